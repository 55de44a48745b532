// Package postgres makes, grants to, proves and drops the roles of bindings. It runs createuser and psql in the container of a
// PostgreSQL server; what psql runs there is in the sql folder, and nothing from outside is ever joined into it.
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

// Server is a PostgreSQL server that is reached as its administrator by programs of its own container.
type Server struct {
	Exec      podexec.Executor
	Container podexec.Container
	User      string // the administrator's role
	Database  string // where grants are made
	Port      int32  // of the server's socket; 0: the container's own setting
	SocketDir string // where the container's own settings name one, else empty
	Password  string // the administrator's; empty: none is needed, or the container has it

	auth        authMethod // with which the last login worked
	loginWorked bool       // no other method need be looked for
	shellless   bool       // the container has no shell
}

// libpq reads these from the container's environment, where they are meant for something else. Without HOME it looks for its files
// where those of its user are, whoever the container's user was.
var foreignVariables = [...]string{ //nolint:gochecknoglobals // a constant list
	"PGHOSTADDR", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "PGSSLMODE", "PGREQUIRESSL", "PGSSLROOTCERT", "PGSSLNEGOTIATION",
	"PGCHANNELBINDING", "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGREQUIREAUTH", "HOME",
}

// resolverOptions has the complete name of a Service, which has four dots, looked up as it is. A Pod's own setting tries it below each domain of the
// search path before, which is five times as many questions to the cluster's DNS.
const resolverOptions = "RES_OPTIONS=ndots:4"

// noTicket keeps psql from reading how Kerberos is set up, to look for a ticket, before each login over the network. A server's container has none.
const noTicket = "PGGSSENCMODE=disable"

// program is one of PostgreSQL's programs that the administrator runs.
type program struct {
	name  string
	env   []string // NAME=VALUE
	args  []string
	stdin string // empty: none
}

// env is the prefix that gives a program of the container a known environment.
func (s *Server) env(assignments ...string) []string {
	argv := []string{"env"}
	for _, name := range foreignVariables {
		argv = append(argv, "-u", name)
	}
	argv = append(argv, "PGHOST="+s.SocketDir, resolverOptions, "PGOPTIONS="+sessionOptions())
	if s.Port != 0 {
		argv = append(argv, "PGPORT="+strconv.Itoa(int(s.Port)))
	}
	return append(argv, assignments...)
}

// run runs a program in an exec of its own.
func (s *Server) run(ctx context.Context, p program) (stdout *bytes.Buffer, stderr string, err error) {
	prefix, err := s.prefix()
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
	argv := slices.Concat(prefix, s.env(p.env...), s.command(p))
	p.stdin = s.afterPassword(p.stdin)
	var out, messages bytes.Buffer
	streams := podexec.Streams{Stdout: &out, Stderr: &messages}
	if p.stdin != "" {
		streams.Stdin = strings.NewReader(p.stdin)
	}
	err = s.Exec.Exec(ctx, s.Container, argv, streams)
	return &out, messages.String(), s.classify(p.name, err)
}

// afterPassword is an input that begins with the password that was given: arguments are public.
func (s *Server) afterPassword(input string) string {
	if s.Password == "" {
		return input
	}
	return s.Password + "\n" + input
}

// command is how a program is called.
func (s *Server) command(p program) []string {
	return slices.Concat([]string{p.name, "--username=" + s.User, "--no-password"}, p.args)
}

// classify tells a program that the container lacks, and one whose end is not known, from one that failed.
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

// isMissing says that a command ended with the codes of env and sh for a program that they do not find or may not run.
func isMissing(err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit) && (exit.Code == 126 || exit.Code == 127)
}
