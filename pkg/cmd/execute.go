// Package cmd is the command line: it turns flags into options.
package cmd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
)

// The exit codes in addition to 0 and 1, like those of timeout(1) and of shells.
const (
	exitTimeout    = 124
	exitSignalBase = 128
)

// Execute runs the command line args and returns the exit code: 0 success, 1 an error, 124 a timeout, 128 and the signal's number after a
// signal. After a first signal the command rolls back what it created; a second signal ends the process.
func Execute(ctx context.Context, streams genericiooptions.IOStreams, args []string) int {
	silenceLibraries()
	ctx, stop := untilSignal(ctx)
	defer stop()
	root := NewRootCommand(streams) //nolint:contextcheck // cobra passes the context to the commands
	root.SetArgs(args)
	executed, err := root.ExecuteContextC(ctx)
	exit := (*exitError)(nil)
	for _, err := range eachError(err, ifForbidden) {
		if errors.As(err, &exit) {
			continue
		}
		fmt.Fprintln(streams.ErrOut, "error:", shown(err.Error()))
	}
	return exitCode(ctx, err, executed)
}

// errorCode is the annotation of a command whose errors, including usage errors, have an exit code other than 1.
const errorCode = "errorCode"

func codeOfErrors(cmd *cobra.Command) int {
	if code, err := strconv.Atoi(cmd.Annotations[errorCode]); err == nil {
		return code
	}
	return 1
}

// silenceLibraries disables the log of client-go, because commands return the same errors.
func silenceLibraries() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("stderrthreshold", "FATAL") // a flag of klog; errors would be printed twice
}

func exitCode(ctx context.Context, err error, executed *cobra.Command) int {
	var sig *signalError
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(context.Cause(ctx), &sig):
		return exitSignalBase + int(sig.signal)
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return codeOfErrors(executed)
}

// exitError ends a command that has already printed everything.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "stopped by signal: " + e.signal.String() }

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The next signal has its default effect.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case received := <-signals:
			signal.Stop(signals)
			number, _ := received.(syscall.Signal)
			cancel(&signalError{signal: number})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
