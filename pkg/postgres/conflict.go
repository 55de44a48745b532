package postgres

import (
	"context"
	"errors"
)

// inspect asks for facts about a role, and about who holds locks, since the text of errors is translated.
func (s *Server) inspect(ctx context.Context, role string) (*output, error) {
	out, err := s.psql(ctx, new(script).set("role", role, "run", "inspect").run("session", "inspect", "holders", "end"))
	switch {
	case out != nil && out.Server != nil && out.Server.Standby:
		return nil, ErrStandby
	case err != nil:
		return nil, s.scriptError(out, err)
	case out.Found == nil || out.End == "":
		return nil, errors.New("psql ended before it was through")
	}
	return out, nil
}

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
	var failure *SQLError
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
