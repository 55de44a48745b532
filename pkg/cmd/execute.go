// Package cmd is the command line: flags become options, and nothing else happens here.
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

// The exit codes beside 0 and 1, as timeout(1) and the shells have them.
const (
	exitTimeout    = 124
	exitSignalBase = 128
)

// Execute runs the command line args and returns the process's exit code: 0 done or unchanged, 1 an error, 124 a timeout,
// 128 and the signal's number after a signal. A first signal lets the command take back what it made; a second one ends the process.
func Execute(ctx context.Context, streams genericiooptions.IOStreams, args []string) int {
	silenceLibraries()
	ctx, stop := untilSignal(ctx)
	defer stop()
	root := NewRootCommand(streams) //nolint:contextcheck // cobra hands the context to the commands
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

// errorCode is the annotation of a command of which errors, those of its usage too, have another exit code than 1.
const errorCode = "errorCode"

func codeOfErrors(cmd *cobra.Command) int {
	if code, err := strconv.Atoi(cmd.Annotations[errorCode]); err == nil {
		return code
	}
	return 1
}

// silenceLibraries keeps to itself what client-go logs, which reaches the user as an error anyway.
func silenceLibraries() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("stderrthreshold", "FATAL") // it is a flag of klog's; errors would be written twice
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

// exitError is the end of a command that has said all there is to say.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "stopped by signal: " + e.signal.String() }

// untilSignal is a context that ends with the first SIGINT or SIGTERM. The next one acts as if nobody listened.
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
