package postgres

import (
	"context"
	"errors"
	"time"
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

// Answer is what the server reports about one question. It is empty if the role or the database does not exist.
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

// LoginAnswer is the result of a login.
type LoginAnswer struct {
	Tried   bool
	Failure string // the server's message; empty: the login succeeded
	Reached string // the host that answered
	User    string // the role that the session acts as
	Method  string // how the server authenticated; "trust": without a password; empty: it does not report that
}

// MarkedRole is a login role of the server, according to its catalog.
type MarkedRole struct {
	Name       string
	Owner      Owner // from its comment; empty unless it is Marked
	Marked     bool  // it has the comment of a binding
	CanLogin   bool
	Privileged bool // it has attributes that no binding grants
	ValidUntil time.Time
	Expired    bool
	MemberOf   []string
	// ConnectionLimit is the number of connections that it can have at the same time; -1: no limit. Sessions is the number that it has.
	ConnectionLimit, Sessions int
	// Settings are the parameters of its sessions, by database and by name in lower case.
	Settings map[string]map[string]string
}

// Survey is what a server reports about its roles.
type Survey struct {
	Roles     map[string]MarkedRole // every marked one, and those of the questions
	Databases []string
	Answers   []Answer // in the order of the questions
	Trust     bool     // a login without a password succeeded too
	// Connections is the number of connections that all roles but superusers can have together; 0: unknown.
	Connections int
}

// Survey asks about the roles of bindings, and then tries the logins of those that exist. It changes nothing. With prove, it also tries a
// login without a password once, on servers that do not report how they authenticate. If output is truncated, it repeats the session, three
// times at most. With an error, it also returns what it has found so far. Errors: ErrStandby, *MissingProgramError, *UnknownError, errors of
// psql and the server.
func (s *Server) Survey(ctx context.Context, questions []Question, prove bool) (*Survey, error) {
	found, err := repeat(ctx, isCut, func() (*Survey, error) { return s.facts(ctx, questions) })
	if err != nil {
		return found, err
	}
	return found, s.tryLogins(ctx, found, questions, prove)
}

// facts asks the catalogs, in one session.
func (s *Server) facts(ctx context.Context, questions []Question) (*Survey, error) {
	found := &Survey{Roles: map[string]MarkedRole{}, Answers: make([]Answer, len(questions))}
	sc, err := factsScript(questions)
	if err != nil {
		return nil, err
	}
	out, err := s.psql(ctx, sc)
	if out == nil {
		return found, err
	}
	found.take(out)
	switch {
	case out.Server != nil && out.Server.Standby:
		return found, ErrStandby
	case out.End == endOfSurvey:
		return found, nil
	}
	return found, s.surveyError(out, err)
}

// surveyError explains a session of a survey that ended before its end, and not at a login.
func (s *Server) surveyError(out *output, execErr error) error {
	if execErr == nil {
		return s.cut()
	}
	return s.scriptError(out, execErr)
}

func isCut(err error) bool { return errors.Is(err, errCut) }
