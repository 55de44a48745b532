package postgres

import (
	"context"
	"errors"
	"fmt"
)

// inspect asks for facts about a role, and about who holds locks, since the text of errors is translated.
func (s *Server) inspect(ctx context.Context, role string) (*output, error) {
	sc := new(script).set("role", role, "run", "inspect").run("session", "inspect", "holders", "end")
	return repeat(ctx, retryable, func() (*output, error) { return s.reportOnce(ctx, sc) })
}

// wasCreated answers as CreateUser where the exit code of createuser is not known: a role that is there now counts as created by it, and one
// that is not is created.
func (s *Server) wasCreated(ctx context.Context, role string) (exists bool, err error) {
	facts, err := s.inspect(ctx, role)
	switch {
	case err != nil:
		return false, &UnknownError{Err: err}
	case facts.Found.Role:
		return false, nil
	}
	return s.CreateUser(ctx, role)
}

// cut says that the exec API called a cut stream of psql a success: only a script's own last word counts.
func (s *Server) cut() error { return fmt.Errorf("psql in %s %w", s.Container, errCut) }

// The SQLSTATEs that are acted on.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	lockNotAvailable     = "55P03"
)

// attempts is how often a transaction that lost to another one is tried.
const attempts = 3

// retryable says that a transaction lost to another one, or that its end was not heard of, and may well come through the next time.
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
	case serializationFailure, deadlockDetected:
		return true
	case uniqueViolation:
		return failure.OfRoles
	}
	return false
}

// blame adds to a lock's timeout who holds the lock, if that is still to be found out.
func (s *Server) blame(ctx context.Context, role string, err error) error {
	var failure *SQLError
	if !errors.As(err, &failure) || failure.State != lockNotAvailable {
		return err
	}
	facts, inspectErr := s.inspect(ctx, role)
	if inspectErr != nil || len(facts.Holders) == 0 {
		return err
	}
	return &LockedError{Holders: facts.Holders, Err: err}
}
