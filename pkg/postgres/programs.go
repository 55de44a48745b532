package postgres

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// createuserProgram makes a role without a login and without a password; the role's name is its last argument. It is atomic.
func createuserProgram() program {
	return program{name: "createuser", env: []string{idleLibrary, noLocale}, args: []string{
		"--no-login", "--no-superuser", "--no-createdb", "--no-createrole", "--no-replication", "--",
	}}
}

// createuser makes one role, for which the script that is next is meant, if it is known.
func (s *Server) createuser(ctx context.Context, role, next string) (stderr string, err error) {
	used, stderr, err := s.createuserAhead(role, next)
	if !used {
		p := createuserProgram()
		p.args = append(p.args, role)
		_, stderr, err = s.run(ctx, p)
	}
	s.wayTold = s.wayTold || err == nil
	return stderr, err
}

// dropuser drops a role that owns nothing.
func (s *Server) dropuser(ctx context.Context, role string) error {
	_, _, err := s.run(ctx, program{name: "dropuser", args: []string{"--if-exists", "--", role}})
	return err
}

// psql runs a script as the administrator and returns what it reported, also beside an error. A session that ended before it did anything is
// begun again. Where the administrator cannot log in, it looks for another way once. The error is a *AdminLoginError if there is none.
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
		s.wayTold = s.wayTold || out.Server != nil || out.sqlError() != nil
		return out, err
	}
	failure := &AdminLoginError{Where: s.Container, Role: s.User, Message: message(out.stderr), Err: err}
	if s.Password != "" {
		failure.Hint = s.orDown(ctx, errors.New("with the password that was given"))
	}
	if s.wayTold || failure.Hint != nil {
		return out, failure
	}
	s.wayTold = true
	found, err := s.findWay(ctx)
	if err != nil {
		failure.Hint = s.orDown(ctx, err)
		return out, failure
	}
	if found == s.way {
		// It is this database alone that does not let the administrator in.
		return out, failure
	}
	s.way = found
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

// maxInput is how much input may wait for a psql that ends early; a container runtime loses the end of an exec with more.
const maxInput = 64 << 10

// reading is what psql made of a script.
type reading struct {
	stdout *bytes.Buffer
	stderr string
	err    error
	rest   func() reading // waits for psql's end; nil: it is there
}

// session is one run of psql.
func (s *Server) session(ctx context.Context, sc *script) (*output, error) {
	used, r := s.psqlAhead(sc)
	if !used {
		// The script goes in whole, from memory: psql runs an unfinished last statement when its input ends early.
		r.stdout, r.stderr, r.err = s.runPsql(ctx, s.input(sc))
	}
	return r.parsed()
}

// parsed is what the script reported.
func (r reading) parsed() (*output, error) {
	out, parseErr := parse(r.stdout)
	if parseErr != nil {
		return out, parseErr
	}
	out.stderr = r.stderr
	if r.rest != nil {
		out.rest = func() (*output, error) { return r.rest().parsed() }
	}
	return out, r.err
}

// maintenanceDatabase is where createuser makes roles, and where psql is before its script has it go on.
const maintenanceDatabase = "postgres"

// psqlProgram reads a script from its input.
func (s *Server) psqlProgram() program {
	return program{name: "psql", env: []string{idleLibrary, noTicket}, args: []string{
		"--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
		"--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--set=SHOW_CONTEXT=never", "--pset=pager=off",
		"--dbname=" + maintenanceDatabase, "--file=-",
	}}
}

// runPsql runs psql in an exec of its own.
func (s *Server) runPsql(ctx context.Context, script string) (stdout *bytes.Buffer, stderr string, err error) {
	p := s.psqlProgram()
	p.stdin = script
	if len(p.stdin) > maxInput {
		return s.runDrained(ctx, p)
	}
	return s.run(ctx, p)
}

// endOfExec is how long the end of an exec is waited for whose programs have ended. Nothing depends on it; but whoever ends before it leaves a container
// with a process, and a trace without a line.
const endOfExec = 2 * time.Second

// quit ends a psql whose input stays open.
const quit = "\\quit\n"

// runDrained runs psql, or the script that runs it, where more input may wait than it reads.
func (s *Server) runDrained(ctx context.Context, p program) (stdout *bytes.Buffer, stderr string, err error) {
	p.by = append(p.by, "drain")
	c, err := s.converse(ctx, p)
	if err != nil {
		return &bytes.Buffer{}, "", err
	}
	c.say(s.afterPassword(p.stdin) + quit)
	r := c.finish()
	c.wait(endOfExec)
	return r.stdout, r.stderr, s.classify(p.name, r.err)
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
