package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Question asks a server about one binding.
type Question struct {
	Role   string
	Access Access
	// Extensions are those that the binding requested.
	Extensions []string
	// Login is how the application logs in; it is not tried without a password.
	Login Login
}

// Answer is what the server reports about one question. Only Login is set if the role or the database does not exist.
type Answer struct {
	Lacks   []string // what the level promises and the role does not have
	Exceeds []string // what the role has beyond its level, as the statements that revoke it
	// NoSchemas and NoExtensions are what the database lacks.
	NoSchemas, NoExtensions []string
	// Escalations are what an application prepared in the database to run code as another role.
	Escalations []Escalation
	// Shadows are schemas of the application that have the name of another role.
	Shadows []Escalation
	// SharedCode says which other roles run code of the application when they use what it owns.
	SharedCode []string
	Login      LoginAnswer
}

// LoginAnswer is how the login ended.
type LoginAnswer struct {
	Tried   bool
	Failure string // the server's words; empty: it was let in
	Reached string // the host that answered
	User    string // as whom the session acts
	Method  string // how the server asked; "trust": it did not; empty: an older server, which does not tell
}

// MarkedRole is a login role of the server, as its own catalog has it.
type MarkedRole struct {
	Name       string
	Owner      Owner // what its comment says; empty where that is no mark of ours
	Marked     bool
	CanLogin   bool
	Privileged bool // more than any binding gives
	ValidUntil time.Time
	Expired    bool
	MemberOf   []string
	// ConnectionLimit is how many connections it can have at the same time; -1: no limit. Sessions is how many it has.
	ConnectionLimit, Sessions int
	// Settings are the parameters of its sessions, by database and by name in lower case.
	Settings map[string]map[string]string
}

// Survey is what a server says of its roles.
type Survey struct {
	Roles     map[string]MarkedRole // every marked one, and those asked about
	Databases []string
	Answers   []Answer // in the order of the questions
	Trust     bool     // no password was let in as well
	// Connections is how many connections roles that are no superusers can have together; 0: unknown.
	Connections int
}

// Each login that fails ends a session, and can take as long as its timeout. The others are not tried after maxFailures
// of them, or after failingTime.
const (
	maxFailures = 500
	failingTime = time.Minute
)

// Survey asks about the roles of bindings and tries their logins, all in one session where no login fails, and changes
// nothing. With prove it also tries to log in without a password once, on servers that do not tell whether they asked
// for it. Where its output was cut off it asks once more, three times at most. With an error, it also returns what it
// has found so far. Errors: ErrStandby, *MissingProgramError, *UnknownError, errors of psql and the server.
func (s *Server) Survey(ctx context.Context, questions []Question, prove bool) (*Survey, error) {
	cut := func(err error) bool { return errors.Is(err, errCut) }
	return repeat(ctx, cut, func() (*Survey, error) { return s.survey(ctx, questions, prove) })
}

func (s *Server) survey(ctx context.Context, questions []Question, prove bool) (*Survey, error) {
	found := &Survey{Roles: map[string]MarkedRole{}, Answers: make([]Answer, len(questions))}
	sc, err := factsScript(questions)
	if err != nil {
		return nil, err
	}
	next, failures := 0, 0
	for start := time.Now(); failures < maxFailures && time.Since(start) < failingTime; failures++ {
		sc.attempts(questions, next, found.Roles, prove)
		out, err := s.psql(ctx, sc)
		if out == nil {
			return found, err
		}
		attempt := found.take(out)
		switch {
		case out.Server != nil && out.Server.Standby:
			return found, ErrStandby
		case out.End == endOfSurvey:
			return found, nil
		case attempt < next || !exited(err):
			return found, s.surveyError(out, err)
		}
		found.Answers[attempt].Login = LoginAnswer{Tried: true, Failure: lastLine(out.stderr)}
		next = attempt + 1
		sc = new(script).set("run", endOfSurvey).run("session")
	}
	return found, fmt.Errorf("%d logins failed, so the others were not tried", failures)
}

// surveyError explains a survey that ended before its end, and not at a login.
func (s *Server) surveyError(out *output, execErr error) error {
	if execErr == nil {
		return s.cut()
	}
	return s.scriptError(out, execErr)
}

// lastLine is the last line that psql wrote to its standard error: what ended it.
func lastLine(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return message(lines[len(lines)-1])
}

// exited reports whether psql itself ended, in contrast to a broken connection to it.
func exited(err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit)
}
