package postgres

import (
	"context"
	"errors"
)

// LastRun returns the id of the run that last set the role's password, as the role's comment says; it is empty where there is none.
func (s *Server) LastRun(ctx context.Context, role string) (string, error) {
	out, err := s.psql(ctx, new(script).set("role", role, "run", "mark").run("session", "mark", "end"))
	switch {
	case out == nil:
		return "", err
	case err != nil:
		return "", s.scriptError(out, err)
	case out.End == "":
		return "", errors.New("psql ended before it was through")
	}
	owner, _ := parseOwner(out.Mark)
	return owner.Run, nil
}
