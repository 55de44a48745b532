// Package cmd is the command line: the root command, its help and its exit codes. Each command is a package below it.
package cmd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// Execute runs the command line args and returns the exit code: 0 success, 1 a failure, 2 a usage error or an error of
// a command that compares, 124 a timeout, 128 and the signal's number after a signal. After a first signal the command
// rolls back what it created; a second signal ends the process.
func Execute(ctx context.Context, streams genericiooptions.IOStreams, args []string) int {
	silenceLibraries()
	ctx, stop := untilSignal(ctx)
	defer stop()
	root := NewRootCommand(streams) //nolint:contextcheck // cobra passes the context to the commands
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	printError(streams.ErrOut, cmd, err)
	return exitCode(ctx, err)
}

// printError prints the errors that err contains, a line each. If the API server never answered, it prints one line, as kubectl does.
func printError(w io.Writer, cmd *cobra.Command, err error) {
	if line, unreached := unreached(err); unreached {
		fmt.Fprintln(w, printers.Visible(line))
		return
	}
	explain := func(err error) error { return explainKubeconfigFlags(cmd, printers.IfForbidden(err)) }
	for _, err := range printers.EachError(err, explain) {
		if exit := (*command.Error)(nil); errors.As(err, &exit) && exit.Err == nil {
			continue
		}
		fmt.Fprintln(w, "error:", printers.Visible(err.Error()))
	}
}

// explainKubeconfigFlags adds to the error about a user or a cluster that the kubeconfig does not have the flag that may be meant:
// kubectl's names of these flags also have a meaning in PostgreSQL and in CloudNativePG.
func explainKubeconfigFlags(cmd *cobra.Command, err error) error {
	const server = "the PostgreSQL server is --postgres, for example --postgres cluster/%s"
	for _, flag := range []struct{ name, text, instead, hint string }{
		{"user", "auth info %q does not exist", "username", "the PostgreSQL user is --username"},
		{"cluster", "no server found for cluster %q", "postgres", server},
		{"cluster", "cluster %q does not exist", "postgres", server}, // with --namespace
	} {
		given := cmd.Flag(flag.name)
		if given == nil || !given.Changed || !strings.Contains(err.Error(), fmt.Sprintf(flag.text, given.Value)) {
			continue
		}
		hint := ""
		if cmd.Flag(flag.instead) != nil {
			hint = "; " + strings.ReplaceAll(flag.hint, "%s", given.Value.String())
		}
		return fmt.Errorf("%w: --%s names a %[2]s of the kubeconfig%s", err, flag.name, hint)
	}
	return err
}

// unreached returns the message of kubectl for an API server that never answered.
func unreached(err error) (line string, ok bool) {
	same := func(err error) error { return err }
	for _, err := range printers.EachError(err, same) {
		connection, request := (*client.UnreachedError)(nil), (*url.Error)(nil)
		if !errors.As(err, &connection) || !errors.As(err, &request) {
			return "", false
		}
		line, ok = cmdutil.StandardErrorMessage(request)
	}
	return line, ok
}

// silenceLibraries disables the log of client-go, because commands return the same errors.
func silenceLibraries() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("stderrthreshold", "FATAL") // a flag of klog; errors would be printed twice
}

func exitCode(ctx context.Context, err error) int {
	var sig *signalError
	exit := &command.Error{Code: command.Failed}
	coded := errors.As(err, &exit)
	switch {
	case err == nil:
		return 0
	case errors.As(context.Cause(ctx), &sig):
		return command.SignalBase + int(sig.signal)
	case coded && exit.Err == nil:
		return exit.Code
	case errors.Is(err, context.DeadlineExceeded):
		return command.Timeout
	}
	return exit.Code
}

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
