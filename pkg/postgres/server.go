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

	way     way  // in which the last login worked
	wayTold bool // no other way need be looked for
	ahead   *ahead
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

// idleLibrary keeps a TLS library that libpq is linked with through libldap, and that nobody uses here, from checking itself at each start of a program,
// which is a tenth of createuser's time where that library is GnuTLS.
const idleLibrary = "GNUTLS_NO_IMPLICIT_INIT=1"

// noTicket keeps psql from reading how Kerberos is set up, to look for a ticket, before each login over the network. A server's container has none.
const noTicket = "PGGSSENCMODE=disable"

// noLocale keeps createuser, which has nothing to say that depends on a language, from reading one at each start.
const noLocale = "LC_ALL=C"

// program is one of PostgreSQL's programs that the administrator runs.
type program struct {
	name  string
	by    []string // files of the sh folder, a script that runs it; empty: none
	told  []string // what that script is told before the program
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
	return slices.Concat(argv, s.settings(), assignments)
}

// settings are the assignments of the known environment.
func (s *Server) settings() []string {
	all := []string{"PGHOST=" + s.SocketDir, resolverOptions, "PGOPTIONS=" + sessionOptions()}
	if s.Port != 0 {
		all = append(all, "PGPORT="+strconv.Itoa(int(s.Port)))
	}
	return all
}

// run runs a program in the way that is known to work.
func (s *Server) run(ctx context.Context, p program) (stdout *bytes.Buffer, stderr string, err error) {
	argv, err := s.argv(p)
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
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

// argv is the command line of a program, or of the script that runs it, in the way that is known to work.
func (s *Server) argv(p program) ([]string, error) {
	prefix, err := s.prefix()
	if err != nil || len(p.by) == 0 {
		return slices.Concat(prefix, s.env(p.env...), s.command(p)), err
	}
	text, err := shellScript(append([]string{"environment"}, p.by...)...)
	script := []string{shell, "-c", text, shell}
	return slices.Concat(prefix, script, foreignVariables[:], s.settings(), p.env, []string{"--"}, p.told, s.command(p)), err
}

// command is how a program is called.
func (s *Server) command(p program) []string {
	return slices.Concat([]string{p.name, "--username=" + s.User, "--no-password"}, p.args)
}

// classify tells a program that the container lacks, and one whose end is not known, from one that failed.
func (s *Server) classify(program string, err error) error {
	var exit *podexec.ExitError
	// env's own codes for a program that it does not find or may not run.
	if errors.As(err, &exit) && (exit.Code == 126 || exit.Code == 127) {
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
	if err == nil || exit != nil || errors.As(err, &status) {
		return err
	}
	return &UnknownError{Err: err}
}
