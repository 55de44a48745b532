// Package postgres makes, grants to, proves and drops the roles of bindings. It runs createuser and psql in the container of a
// PostgreSQL server; what psql runs there is in the sql folder, and nothing from outside is ever joined into it.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
}

// libpq reads these from the container's environment, where they are meant for something else.
var foreignVariables = [...]string{"PGHOSTADDR", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "PGSSLMODE", "PGTARGETSESSIONATTRS", "PGREQUIREAUTH"} //nolint:gochecknoglobals // a constant list

// createuser has no script of its own to set these in.
const createuserOptions = "PGOPTIONS=-c search_path= -c lock_timeout=20s -c statement_timeout=60s -c synchronous_commit=local"

// env is the prefix that gives a program of the container a known environment.
func (s *Server) env(assignments ...string) []string {
	argv := []string{"env"}
	for _, name := range foreignVariables {
		argv = append(argv, "-u", name)
	}
	argv = append(argv, "PGHOST="+s.SocketDir)
	if s.Port != 0 {
		argv = append(argv, "PGPORT="+strconv.Itoa(int(s.Port)))
	}
	return append(argv, assignments...)
}

// createuser runs createuser for a role without a login and without a password. It is atomic.
func (s *Server) createuser(ctx context.Context, role string) (stderr string, err error) {
	argv := append(s.env(createuserOptions), "createuser", "--username="+s.User, "--no-password", "--no-login",
		"--no-superuser", "--no-createdb", "--no-createrole", "--no-replication", "--", role)
	var out, messages bytes.Buffer
	err = s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdout: &out, Stderr: &messages})
	return messages.String(), s.classify("createuser", err)
}

// dropuser drops a role that owns nothing.
func (s *Server) dropuser(ctx context.Context, role string) error {
	argv := append(s.env(createuserOptions), "dropuser", "--username="+s.User, "--no-password", "--if-exists", "--", role)
	var out, messages bytes.Buffer
	err := s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdout: &out, Stderr: &messages})
	return s.classify("dropuser", err)
}

// psql runs a script as the administrator and returns what it reported, also beside an error.
func (s *Server) psql(ctx context.Context, sc *script) (*output, error) {
	if sc.err != nil {
		return nil, sc.err
	}
	argv := append(s.env(), "psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password",
		"--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--set=SHOW_CONTEXT=never", "--pset=pager=off",
		"--username="+s.User, "--dbname="+conninfoDatabase(s.Database), "--file=-")
	var stdout, stderr bytes.Buffer
	// The script goes in whole, from memory: psql runs an unfinished last statement when its input ends early.
	execErr := s.Exec.Exec(ctx, s.Container, argv, podexec.Streams{Stdin: strings.NewReader(sc.text.String()), Stdout: &stdout, Stderr: &stderr})
	out, parseErr := parse(&stdout)
	if parseErr != nil {
		return out, parseErr
	}
	out.stderr = stderr.String()
	return out, s.classify("psql", execErr)
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
		return fmt.Errorf("%w: %w", &MissingProgramError{Program: program, Where: s.Container}, start)
	}
	status := apierrors.APIStatus(nil)
	if err == nil || exit != nil || errors.As(err, &status) {
		return err
	}
	return &UnknownError{Err: err}
}

// conninfoDatabase keeps a database name from being read as a connection string.
func conninfoDatabase(name string) string {
	if strings.ContainsAny(name, "=") || strings.Contains(name, "://") {
		return "dbname=" + conninfo(name)
	}
	return name
}
