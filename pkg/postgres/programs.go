package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// createuserOptions create a role that cannot log in and has no password.
const createuserOptions = "--no-login --no-superuser --no-createdb --no-createrole --no-replication"

// dropuser drops a role that owns nothing.
func (s *Server) dropuser(ctx context.Context, role string) error {
	_, _, err := s.run(ctx, program{name: "dropuser", args: []string{"--if-exists", "--", role}})
	return err
}

// psql runs a script as the administrator and returns its reports, also with an error. It repeats a session that ended before the script
// ran. If the administrator cannot log in, it looks once for another method and returns an *AdminLoginError if it finds none.
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
	failure := &AdminLoginError{Where: s.Container, Role: s.User, Message: lastMessage(out.stderr), Err: err}
	switch {
	case s.Password != "":
		failure.Hint = s.orDown(ctx, errors.New("the given password was used"))
	case s.loginWorked:
		failure.Hint = s.orDown(ctx, nil)
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
		// Only this database refuses the administrator.
		return out, failure
	}
	s.auth, s.User, s.SocketDir = found, cmp.Or(found.user, s.User), cmp.Or(found.host, s.SocketDir)
	return s.psql(ctx, sc)
}

// orDown returns the reason why no login works: errDown if the server accepts no connections, or else the given reason. It asks pg_isready,
// whose exit code does not depend on the language.
func (s *Server) orDown(ctx context.Context, reason error) error {
	err := s.Exec.Exec(ctx, s.Container, append(s.env(), "pg_isready", "--quiet"), podexec.Streams{})
	var exit *podexec.ExitError
	if errors.As(err, &exit) && (exit.Code == 1 || exit.Code == 2) {
		return errDown
	}
	return reason
}

// session runs psql once. It sends the whole script from memory, because psql runs an incomplete last statement if its input ends early.
func (s *Server) session(ctx context.Context, sc *script) (*output, error) {
	stdout, stderr, err := s.runPsql(ctx, s.input(sc))
	out, parseErr := parse(stdout)
	if parseErr != nil {
		return out, parseErr
	}
	if out.stderr = stderr; out.NoDatabase {
		return out, &NoDatabaseError{Database: s.Database, Existing: out.Databases}
	}
	return out, err
}

// maintenanceDatabase is the database to which createuser and psql connect. The script of psql then connects to another
// one. A server without it has template1.
const maintenanceDatabase = "postgres"

// maintenance returns the database to which programs connect first.
func (s *Server) maintenance() string { return cmp.Or(s.auth.database, maintenanceDatabase) }

// home returns the database in which a script begins.
func (s *Server) home() string { return cmp.Or(s.Database, s.maintenance()) }

// psqlProgram returns psql with options to read a script from its input.
func (s *Server) psqlProgram() program {
	return program{name: "psql", args: []string{
		"--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
		"--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--set=SHOW_CONTEXT=never", "--pset=pager=off",
		"--dbname=" + s.maintenance(), "--file=-",
	}}
}

// runPsql runs a script with psql: through a shell, or without one if the container has none.
func (s *Server) runPsql(ctx context.Context, script string) (stdout *bytes.Buffer, stderr string, err error) {
	if stdout, stderr, err = s.runPSQL(ctx, nil, nil, script); !s.shellless {
		return stdout, stderr, err
	}
	p := s.psqlProgram()
	p.stdin = script
	return s.run(ctx, p)
}

// unanswered reports whether psql got no session, or lost it before the first result. It exits with 2 then, and the script changed nothing.
func unanswered(out *output, err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit) && exit.Code == 2 && out.Server == nil
}

// refusedLogin reports whether psql got no session. psql reports no SQLSTATE in that case.
func refusedLogin(out *output, err error) bool {
	return unanswered(out, err) && out.sqlError() == nil
}

// conninfoDatabase returns a database name in a form that psql does not read as a connection string.
func conninfoDatabase(name string) string {
	if strings.ContainsAny(name, "=") || strings.Contains(name, "://") {
		return "dbname=" + conninfo(name)
	}
	return name
}
