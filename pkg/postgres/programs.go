package postgres

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// createuserOptions have createuser create a role without a login and without a password.
const createuserOptions = "--no-login --no-superuser --no-createdb --no-createrole --no-replication"

// createuser creates one role, in an exec of its own. It is atomic.
func (s *Server) createuser(ctx context.Context, role string) (stderr string, err error) {
	_, stderr, err = s.run(ctx, program{name: "createuser", args: append(strings.Fields(createuserOptions), "--", role)})
	s.loginWorked = s.loginWorked || err == nil
	return stderr, err
}

// dropuser drops a role that owns nothing.
func (s *Server) dropuser(ctx context.Context, role string) error {
	_, _, err := s.run(ctx, program{name: "dropuser", args: []string{"--if-exists", "--", role}})
	return err
}

// psql runs a script as the administrator and returns what it reported, also beside an error. A session that ended before it did anything is
// begun again. Where the administrator cannot log in, it looks for another method once. The error is a *AdminLoginError if there is none.
func (s *Server) psql(ctx context.Context, sc *script) (*output, error) {
	if sc.err != nil {
		return nil, sc.err
	}
	var out *output
	_, err := repeat(ctx, func(err error) bool { return unanswered(out, err) && !refusedLogin(out, err) }, func() (_ any, err error) {
		out, err = s.session(ctx, sc)
		return nil, err
	})
	if !refusedLogin(out, err) {
		s.loginWorked = s.loginWorked || out.Server != nil || out.sqlError() != nil
		return out, err
	}
	failure := &AdminLoginError{Where: s.Container, Role: s.User, Message: message(out.stderr), Err: err}
	if s.Password != "" {
		failure.Hint = s.orDown(ctx, errors.New("with the password that was given"))
	}
	if s.loginWorked || failure.Hint != nil {
		return out, failure
	}
	s.loginWorked = true
	found, err := s.detectAuth(ctx)
	if err != nil {
		failure.Hint = s.orDown(ctx, err)
		return out, failure
	}
	if found == s.auth {
		// It is this database alone that does not let the administrator in.
		return out, failure
	}
	s.auth = found
	return s.psql(ctx, sc)
}

// orDown is why no login works: for that reason, or since the server takes no connections, which pg_isready tells in every language.
func (s *Server) orDown(ctx context.Context, reason error) error {
	err := s.Exec.Exec(ctx, s.Container, append(s.env(), "pg_isready", "--quiet"), podexec.Streams{})
	var exit *podexec.ExitError
	if errors.As(err, &exit) && (exit.Code == 1 || exit.Code == 2) {
		return errDown
	}
	return reason
}

// session is one run of psql. The script goes in whole, from memory: psql runs an unfinished last statement when its input ends early.
func (s *Server) session(ctx context.Context, sc *script) (*output, error) {
	stdout, stderr, err := s.runPsql(ctx, s.input(sc))
	out, parseErr := parse(stdout)
	if parseErr != nil {
		return out, parseErr
	}
	out.stderr = stderr
	return out, err
}

// maintenanceDatabase is where createuser makes roles, and where psql is before its script has it go on.
const maintenanceDatabase = "postgres"

// psqlProgram reads a script from its input.
func (s *Server) psqlProgram() program {
	return program{name: "psql", env: []string{noTicket}, args: []string{
		"--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
		"--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--set=SHOW_CONTEXT=never", "--pset=pager=off",
		"--dbname=" + maintenanceDatabase, "--file=-",
	}}
}

// runPsql runs psql on a script: through a shell, or by itself in a container that has none.
func (s *Server) runPsql(ctx context.Context, script string) (stdout *bytes.Buffer, stderr string, err error) {
	if stdout, stderr, err = s.runDrained(ctx, nil, nil, script); !s.shellless {
		return stdout, stderr, err
	}
	p := s.psqlProgram()
	p.stdin = script
	return s.run(ctx, p)
}

// unanswered says that psql got no session, or lost it before the first answer, for which it exits with 2: nothing of the script was done.
func unanswered(out *output, err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit) && exit.Code == 2 && out.Server == nil
}

// refusedLogin says that psql got no session. It tells no SQLSTATE then.
func refusedLogin(out *output, err error) bool {
	return unanswered(out, err) && out.sqlError() == nil
}

// conninfoDatabase keeps a database name from being read as a connection string.
func conninfoDatabase(name string) string {
	if strings.ContainsAny(name, "=") || strings.Contains(name, "://") {
		return "dbname=" + conninfo(name)
	}
	return name
}
