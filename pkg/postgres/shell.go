package postgres

import (
	"context"
	"io"
	"strings"

	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Shell describes one session of psql for a person or a script.
type Shell struct {
	Role     string
	Database string
	Login    Login    // its Password is sent only to psql
	Args     []string // of psql; they are public

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal runs psql on a terminal with these sizes. If it is nil, psql reads a script.
	Terminal remotecommand.TerminalSizeQueue
}

// RunShell runs psql as a role over the network, where the server requires the password. If psql exits with a status
// other than 0, the error is a *podexec.ExitError. Other errors mean that psql did not run.
func (s *Server) RunShell(ctx context.Context, shell Shell) error {
	conn := "host=" + conninfo(strings.Join(shell.Login.hosts(), ",")) + " port=" + conninfo(strings.Join(shell.Login.ports(), ",")) +
		" " + connectTimeout + " dbname=" + conninfo(shell.Database)
	argv := append(s.shellCommand(), "--username="+shell.Role, "--password", "--dbname="+conn)
	return s.shell(ctx, append(argv, shell.Args...), shell)
}

// RunAdminShell runs psql as the administrator. It ignores Role and Login of the shell. It fails with an *AdminLoginError if the
// administrator cannot log in.
func (s *Server) RunAdminShell(ctx context.Context, shell Shell) error {
	argv := append(s.shellCommand(), "--username="+s.User, "--dbname="+conninfoDatabase(shell.Database))
	shell.Role, shell.Login.Password = s.User, s.Password
	if s.Password != "" {
		// psql asks for the password. A shell that reads it would show it on a terminal.
		return s.shell(ctx, append(append(argv, "--password"), shell.Args...), shell)
	}
	// This session changes nothing. It finds out how the administrator can log in.
	if out, err := s.psql(ctx, new(script).set("run", scriptRun).run("begin_session", "end")); err != nil {
		return s.sessionError(out, err)
	}
	prefix, err := s.prefix()
	if err != nil {
		return err
	}
	return s.shell(ctx, append(append(append(prefix, argv...), "--no-password"), shell.Args...), shell)
}

// sessionError returns the reason why the administrator gets no session.
func (s *Server) sessionError(out *output, err error) error {
	if out == nil {
		return err
	}
	return s.scriptError(out, err)
}

// shellCommand returns psql without the options of the connection. It writes no history in the container. prompt waits for the
// question for the password in English.
func (s *Server) shellCommand() []string {
	return append(s.env("PGCLIENTENCODING=UTF8", "LESSHISTFILE=-", "PGOPTIONS="),
		"psql", "--no-psqlrc", "--set=HISTFILE=/dev/null")
}

// shell runs psql and sends it the password first, then the caller's input.
func (s *Server) shell(ctx context.Context, argv []string, shell Shell) error {
	streams := podexec.Streams{Stdin: shell.Stdin, Stdout: shell.Stdout, Stderr: shell.Stderr, Terminal: shell.Terminal}
	if shell.Login.Password != "" {
		prompt := newPrompt("Password: ", "Password for user "+shell.Role+": ")
		defer prompt.end()
		streams.Stdin = prompt.input(shell)
		if shell.Terminal != nil {
			streams.Stdout = prompt.output(shell.Stdout)
		} else {
			streams.Stderr = prompt.output(shell.Stderr)
		}
	}
	return s.classify("psql", s.Exec.Exec(ctx, s.Container, argv, streams))
}
