// Package postgres creates and drops the roles of bindings, grants privileges to them and verifies their logins. It runs createuser and
// psql in the container of a PostgreSQL server. The SQL is in the sql folder. Values reach it as psql variables, never by joining strings.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Server runs programs as the administrator of a PostgreSQL server, in the container of that server.
type Server struct {
	Exec      podexec.Executor
	Container podexec.Container
	User      string // the administrator's role
	Database  string // the database in which privileges are granted; empty: the one to which programs connect first
	Port      int32  // of the server's socket; 0: the container's setting
	SocketDir string // the directory of the socket; empty: the container's setting
	Password  string // the administrator's; empty: none is needed, or the container has it

	SkipEventTriggers bool // sessions run without event triggers, which needs a superuser

	auth        authMethod // the method of the last successful login
	loginWorked bool       // do not look for another method
	shellless   bool       // the container has no shell
}

// foreignVariables are variables of the container that would change how libpq connects or how psql prints: all of libpq's,
// except the host, the port and the password. Without HOME, libpq looks for its files in the home directory of the user
// that it runs as.
var foreignVariables = [...]string{ //nolint:gochecknoglobals // a constant list
	"HOME", "PGAPPNAME", "PGCHANNELBINDING", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATABASE", "PGDATESTYLE", "PGGEQO",
	"PGGSSDELEGATION", "PGGSSENCMODE", "PGGSSLIB", "PGHOSTADDR", "PGKRBSRVNAME", "PGLOADBALANCEHOSTS", "PGLOCALEDIR",
	"PGMAXPROTOCOLVERSION", "PGMINPROTOCOLVERSION", "PGOPTIONS", "PGPASSFILE", "PGREQUIREAUTH", "PGREQUIREPEER", "PGREQUIRESSL",
	"PGSERVICE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLCERTMODE", "PGSSLCOMPRESSION", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLKEY",
	"PGSSLMAXPROTOCOLVERSION", "PGSSLMINPROTOCOLVERSION", "PGSSLMODE", "PGSSLNEGOTIATION", "PGSSLROOTCERT", "PGSSLSNI",
	"PGSYSCONFDIR", "PGTARGETSESSIONATTRS", "PGTZ", "PGUSER", "PG_COLOR", "PG_COLORS",
}

// program is a program of PostgreSQL that runs as the administrator.
type program struct {
	name  string
	args  []string
	stdin string // empty: none
}

// untranslated returns the environment in which programs print English. The server still decides about the language of its own messages.
func untranslated() []string { return []string{"LC_ALL=", "LANGUAGE=", "LC_MESSAGES=C"} }

// env returns the command prefix that gives a program a known environment.
func (s *Server) env(assignments ...string) []string {
	argv := []string{"env"}
	for _, name := range foreignVariables {
		argv = append(argv, "-u", name)
	}
	argv = append(argv, untranslated()...)
	argv = append(argv, "PGHOST="+s.SocketDir, "PGOPTIONS="+sessionOptions())
	if s.Port != 0 {
		argv = append(argv, "PGPORT="+strconv.Itoa(int(s.Port)))
	}
	return append(argv, assignments...)
}

// run runs a program in its own exec.
func (s *Server) run(ctx context.Context, p program) (stdout *bytes.Buffer, stderr string, err error) {
	prefix, err := s.prefix()
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
	argv := slices.Concat(prefix, s.env(), s.command(p))
	p.stdin = s.afterPassword(p.stdin)
	var out, messages bytes.Buffer
	streams := podexec.Streams{Stdout: &out, Stderr: &messages}
	if p.stdin != "" {
		streams.Stdin = strings.NewReader(p.stdin)
	}
	err = s.Exec.Exec(ctx, s.Container, argv, streams)
	return &out, messages.String(), s.classify(p.name, err)
}

// afterPassword returns the input with the administrator's password, if the user gave one, as the first line. It cannot be an argument,
// because arguments are public.
func (s *Server) afterPassword(input string) string {
	if s.Password == "" {
		return input
	}
	return s.Password + "\n" + input
}

// command returns the name and the arguments of a program.
func (s *Server) command(p program) []string {
	return slices.Concat([]string{p.name, "--username=" + s.User, "--no-password"}, p.args)
}

// classify converts the error of an exec: *MissingProgramError if the container lacks the program, *UnknownError if it is unknown how the
// program ended. It returns the errors of programs that ended unchanged.
func (s *Server) classify(program string, err error) error {
	if isMissing(err) {
		return &MissingProgramError{Program: program, Where: s.Container}
	}
	var start *podexec.StartError
	if errors.As(err, &start) {
		if start.Program == shell {
			program = shell
		}
		return fmt.Errorf("%w: %w", &MissingProgramError{Program: program, Where: s.Container, Unstarted: true}, start)
	}
	status := apierrors.APIStatus(nil)
	if err == nil || exited(err) || errors.As(err, &status) {
		return err
	}
	return &UnknownError{Err: err}
}

// isMissing reports whether env or sh ended with their exit code for a program that they cannot find or run.
func isMissing(err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit) && (exit.Code == 126 || exit.Code == 127)
}
