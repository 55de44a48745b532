package postgres

import (
	"context"
	"errors"
	"fmt"
)

// inspect asks for facts about a role, and about who holds locks, since the text of errors is translated.
func (s *Server) inspect(ctx context.Context, role string) (*output, error) {
	sc := new(script).set("role", role, "run", "inspect").run("begin_session", "inspect", "lock_holders", "end")
	return repeat(ctx, retryable, func() (*output, error) { return s.reportOnce(ctx, sc) })
}

// cut says that the exec API called a cut stream of psql a success: only a script's own last word counts.
func (s *Server) cut() error { return fmt.Errorf("psql in %s %w", s.Container, errCut) }

// The SQLSTATEs that are acted on.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	lockNotAvailable     = "55P03"
	internalError        = "XX000" // also of a change of a catalog row that another transaction changed at the same time
	duplicateDatabase    = "42P04"
)

// attempts is how often a transaction that lost to another one is tried.
const attempts = 3

// retryable reports whether another transaction prevented this one, or its outcome is unknown: the next attempt can succeed.
func retryable(err error) bool {
	if errors.Is(err, errCut) {
		return true
	}
	var vanished *VanishedError
	var failure *SQLError
	if errors.As(err, &vanished) {
		return true
	}
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.State {
	case serializationFailure, deadlockDetected, internalError:
		return true
	case uniqueViolation:
		return failure.OfRoles
	}
	return false
}

// addCause adds to a lock timeout the sessions that hold the lock, if they are not known yet, and to another error of a
// statement the event triggers that can have caused it.
func (s *Server) addCause(ctx context.Context, role string, err error) error {
	if !timedOut(err) {
		return s.addEventTriggers(ctx, err)
	}
	facts, inspectErr := s.inspect(ctx, role)
	if inspectErr != nil || len(facts.Holders) == 0 {
		return err
	}
	return &LockedError{Holders: facts.Holders, Err: err}
}

// addEventTriggers adds the event triggers of the database to an error that their code can have raised.
func (s *Server) addEventTriggers(ctx context.Context, err error) error {
	var failure *SQLError
	var blamed *EventTriggerError
	if !errors.As(err, &failure) || errors.As(err, &blamed) || s.SkipEventTriggers || !raised(failure.State) {
		return err
	}
	out, readErr := s.psql(ctx, new(script).set("run", scriptRun).run("begin_session", "event_triggers", "end"))
	if readErr != nil || len(out.EventTriggers) == 0 {
		return err
	}
	return &EventTriggerError{Triggers: out.EventTriggers, Err: err}
}

// raised reports whether an SQLSTATE is one that the code of a function raises, and not the state of the server.
func raised(state string) bool {
	switch class := state[:min(2, len(state))]; class {
	case "08", "25", "40", "53", "55", "57", "58", "XX":
		return false
	}
	return state != ""
}

// timedOut reports whether the wait for a lock took too long, and it is not known yet who holds it.
func timedOut(err error) bool {
	var failure *SQLError
	var blocked *BlockedError
	return errors.As(err, &failure) && failure.State == lockNotAvailable && !errors.As(err, &blocked)
}

// report runs a script that proves no login and may be repeated, and requires that it came to its end. It repeats the
// script if the connection was cut or a transaction lost to another one. It also returns what the script reported
// before an error, with what all its runs did.
func (s *Server) report(ctx context.Context, sc *script) (*output, error) {
	var did []string
	out, err := repeat(ctx, retryable, func() (*output, error) {
		out, err := s.reportOnce(ctx, sc)
		if out != nil {
			did = append(did, out.did...)
			out.did = did
		}
		return out, err
	})
	return out, s.addCause(ctx, "", err)
}

func (s *Server) reportOnce(ctx context.Context, sc *script) (*output, error) {
	out, err := s.psql(ctx, sc)
	switch {
	case out == nil:
		return nil, err
	case out.Server != nil && out.Server.Standby:
		return out, ErrStandby
	case out.Refused != nil:
		return out, out.Refused.err()
	case out.Stays, out.ForeignDatabase != nil:
		return out, nil //nolint:nilerr // the caller reads in the report why the script ended
	case err != nil:
		return out, s.scriptError(out, err)
	case out.End == "":
		return out, s.cut()
	}
	return out, nil
}
