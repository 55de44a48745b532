package psql

import (
	"context"
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubectl/pkg/util/interrupt"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// OnTerminal connects the sessions of a server with the streams.
func OnTerminal(s Server, streams genericiooptions.IOStreams) Server {
	return terminalServer{s, streams}
}

// terminalServer connects the sessions of a server with streams. A terminal is in raw mode while psql runs, so that psql
// gets every key, including Ctrl-C, and every new size.
type terminalServer struct {
	Server
	streams genericiooptions.IOStreams
}

// RunShell implements Server.
func (s terminalServer) RunShell(ctx context.Context, shell postgres.Shell) error {
	return s.attach(&shell, func() error { return s.Server.RunShell(ctx, shell) })
}

// RunAdminShell implements Server.
func (s terminalServer) RunAdminShell(ctx context.Context, shell postgres.Shell) error {
	return s.attach(&shell, func() error { return s.Server.RunAdminShell(ctx, shell) })
}

func (s terminalServer) attach(shell *postgres.Shell, run func() error) error {
	shell.Stdin, shell.Stdout, shell.Stderr = s.streams.In, s.streams.Out, s.streams.ErrOut
	tty := term.TTY{In: s.streams.In, Out: s.streams.Out, Raw: true}
	if !tty.IsTerminalIn() || !tty.IsTerminalOut() {
		return run()
	}
	// A signal ends the context, and with it the session. kubectl's own handler would end the process immediately.
	tty.Parent = interrupt.New(func(os.Signal) {})
	shell.Terminal = sizes{tty.MonitorSize(tty.GetSize())}
	return tty.Safe(run)
}

// sizes adapts kubectl's queue of terminal sizes to client-go.
type sizes struct{ queue term.TerminalSizeQueue }

// Next implements remotecommand.TerminalSizeQueue.
func (s sizes) Next() *remotecommand.TerminalSize {
	size := s.queue.Next()
	if size == nil {
		return nil
	}
	return &remotecommand.TerminalSize{Width: size.Width, Height: size.Height}
}
