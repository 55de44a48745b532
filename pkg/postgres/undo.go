package postgres

import (
	"context"
	"errors"
)

// Undo drops what a run made and still holds: the login role, and the access role if it is new and nobody else has joined it.
// A login role that carries no mark yet goes too: call it only if this run made the role. It returns the statements that it ran.
func (s *Server) Undo(ctx context.Context, b Binding) ([]string, error) {
	sc := new(script).set("run", b.Owner.Run).run("session", "lock")
	sc.set("subject", b.Role, "claim", b.Owner.mark()).run("judge", "drop", "commit", "lock")
	sc.set("subject", b.Access.Role(), "claim", b.Access.mark(b.Owner.Run)).run("judge", "drop_access")
	out, err := s.psql(ctx, sc.run("commit", "end"))
	var missing *MissingProgramError
	switch {
	case errors.As(err, &missing):
		// Without psql the role was never marked, so that it is still the empty one that createuser made.
		return nil, s.dropuser(ctx, b.Role)
	case out == nil:
		return nil, err
	case out.Refused != nil:
		// One of them is not ours any more: another run has taken it over, and answers for it.
		return out.did, nil
	case err != nil:
		return nil, s.scriptError(out, err)
	case out.End != b.Owner.Run:
		return nil, errors.New("psql ended before it was through")
	}
	return out.did, nil
}
