package postgres

import (
	"context"
	"io"
	"strings"

	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Shell is one session of psql for a person or a script.
type Shell struct {
	Role     string
	Database string
	Login    Login    // its Password is sent to psql and nowhere else
	Args     []string // of psql, public

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal makes it a session on a terminal of these sizes; nil: psql reads a script.
	Terminal remotecommand.TerminalSizeQueue
}

// RunShell runs psql as a role over the network, where its password is asked for. An end of psql with another status than 0 is a
// *podexec.ExitError; other errors are about the way to it.
func (s *Server) RunShell(ctx context.Context, shell Shell) error {
	conn := "host=" + conninfo(strings.Join(shell.Login.hosts(), ",")) + " port=" + conninfo(strings.Join(shell.Login.ports(), ",")) +
		" connect_timeout=5 dbname=" + conninfo(shell.Database)
	argv := append(s.shellCommand(), "--username="+shell.Role, "--password", "--dbname="+conn)
	return s.shell(ctx, append(argv, shell.Args...), shell)
}

// RunAdminShell runs psql as the administrator, in the way in which all its programs log in. Role and Login of the shell are not used.
// The error is an *AdminLoginError where there is no way.
func (s *Server) RunAdminShell(ctx context.Context, shell Shell) error {
	argv := append(s.shellCommand(), "--username="+s.User, "--dbname="+conninfoDatabase(shell.Database))
	shell.Role, shell.Login.Password = s.User, s.Password
	if s.Password != "" {
		// Not in the way of a script, whose shell would show on a terminal what it reads.
		return s.shell(ctx, append(append(argv, "--password"), shell.Args...), shell)
	}
	// A login that does nothing settles the way.
	if out, err := s.psql(ctx, new(script).set("run", scriptRun).run("session", "end")); err != nil {
		return s.sessionError(out, err)
	}
	way, err := s.prefix()
	if err != nil {
		return err
	}
	return s.shell(ctx, append(append(append(way, argv...), "--no-password"), shell.Args...), shell)
}

// sessionError explains why the administrator gets no session.
func (s *Server) sessionError(out *output, err error) error {
	if out == nil {
		return err
	}
	return s.scriptError(out, err)
}

// shellCommand is psql without what says who logs in where. It leaves no trace in the container, and its question for the password
// comes in the one form that is waited for.
func (s *Server) shellCommand() []string {
	return append(s.env("LC_ALL=", "LANGUAGE=", "LC_MESSAGES=C", "PGCLIENTENCODING=UTF8", "LESSHISTFILE=-", "PGOPTIONS="),
		"psql", "--no-psqlrc", "--set=HISTFILE=/dev/null")
}

// shell gives psql its password first, and then what the caller has.
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
