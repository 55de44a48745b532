package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// ahead is an exec that began before it was known what it shall do: createuser makes a role when its name is told, and psql, which waits
// beside it, gets a script when the role is made. Until they are told, nothing but psql's login happens.
type ahead struct {
	*conversation
	first   string // what the input begins with
	created bool   // createuser made the role
	told    bool   // psql's script was told with the role's name
}

// Connect begins the exec that Create, or CreateUser and the next script, needs, so that it is ready when it is known what it shall do. It
// changes nothing, and what goes wrong is told by them. The end of ctx ends it. An exec that began already is used instead.
func (s *Server) Connect(ctx context.Context) {
	if s.ahead != nil {
		return
	}
	c, err := s.converse(ctx, s.aheadProgram())
	if err != nil {
		return // the programs tell it when they run by themselves
	}
	s.ahead = &ahead{conversation: c, first: s.afterPassword("")}
}

func (s *Server) aheadProgram() program { return s.createuserThenPsql("hold", "converse") }

// TakeOver has s use the exec that Connect began for another Server, and says whether it does: where that is the one that s would begin, the same
// command in the same container, and has not ended. Nothing was done by one that has.
func (s *Server) TakeOver(begun *Server) bool {
	ours, err := s.argv(s.aheadProgram())
	theirs, errTheirs := begun.argv(begun.aheadProgram())
	if errors.Join(err, errTheirs) != nil || begun.ahead == nil || s.Container != begun.Container || s.Password != begun.Password || !slices.Equal(ours, theirs) {
		return false
	}
	select {
	case <-begun.ahead.done:
		return false
	default:
	}
	s.ahead, begun.ahead = begun.ahead, nil
	return true
}

// createuser makes a role. Where it is known already what psql shall read after that, the container need not wait for it.
func (a *ahead) createuser(role, next string) (stderr string, err error) {
	a.say(a.first + role + "\n" + next)
	a.first = ""
	if a.told = next != ""; a.told {
		a.leave()
	}
	told, err := a.end(endOfCreateuser)
	a.created = told && err == nil
	switch {
	case a.created:
		return "", nil
	case err == nil:
		err = fmt.Errorf("createuser %w", errCut)
	}
	a.leave()
	<-a.done // the messages travel by themselves
	_, stderr = a.sofar()
	return stderr, err
}

// tell gives psql its script, unless it has it already.
func (a *ahead) tell(script string) {
	if a.told {
		return
	}
	if !a.created {
		script = a.first + "\n" + script
	}
	a.say(script)
	a.leave()
}

// createuserAhead is createuser in the exec that was begun before, and lets psql read what is next when the role is made; psqlAhead then
// hears of it. used is false where there is no such exec, or where its container lacks a program for that: nothing was done then.
func (s *Server) createuserAhead(role, next string) (used bool, stderr string, err error) {
	if s.ahead == nil || strings.ContainsAny(role, "\r\n\x00") {
		return false, "", nil
	}
	if len(next) > maxInput {
		next = ""
	}
	stderr, err = s.ahead.createuser(role, next)
	err = s.classify("createuser", err)
	if err != nil {
		s.ahead = nil
	}
	missing := (*MissingProgramError)(nil)
	return !errors.As(err, &missing), stderr, err
}

// psqlAhead is psql in the exec that was begun before; used is as for createuserAhead, and also false where psql had no session.
func (s *Server) psqlAhead(sc *script) (used bool, r reading) {
	begun, text := s.ahead, s.input(sc)
	s.ahead = nil
	switch {
	case begun == nil:
		return false, reading{}
	case len(text) > maxInput:
		begun.leave()
		return false, reading{}
	}
	begun.tell(text)
	finish := func() reading {
		r := begun.finish()
		r.err = s.classify("psql", r.err)
		return r
	}
	if sc.early && begun.concluded() {
		stdout, stderr := begun.sofar()
		return true, reading{stdout: stdout, stderr: stderr, rest: func() reading {
			<-begun.done // a caller that is done exits, and would cut the exec
			return finish()
		}}
	}
	r = finish()
	missing, exit := (*MissingProgramError)(nil), (*podexec.ExitError)(nil)
	// The server has ended the session while it waited, or gave it none: nothing of the script was done, and by now it may be otherwise.
	sessionless := errors.As(r.err, &exit) && !bytes.Contains(r.stdout.Bytes(), []byte(reportPrefix+`{"server"`))
	return !sessionless && !errors.As(r.err, &missing), r
}
