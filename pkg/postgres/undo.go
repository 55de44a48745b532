package postgres

import (
	"context"
	"errors"
)

// Undo drops what a run created and what is still its own: the login role, and a schema and an access role if they are new and unused.
// A login role that carries no mark yet goes too: call it only if this run made the role. It returns the statements that it ran.
func (s *Server) Undo(ctx context.Context, b Binding) ([]string, error) {
	schemas, err := b.Access.schemaTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", b.Owner.Run, "schemas", schemas).run("session", "lock")
	sc.subjects(subject{Name: b.Role, Claim: b.Owner.mark()}).run("judge", "drop", "commit")
	// A transaction of its own: that another run made the access role is no reason to keep the login role.
	sc.run("lock", "join")
	if b.Creates.Schema != "" {
		sc.set("access", b.Access.Role(), "new_schema", b.Creates.Schema, "schema_mark", b.Owner.schemaMark()).run("drop_schema")
	}
	sc.subjects(subject{Name: b.Access.Role(), Claim: b.Access.mark(b.Owner.Run)}).run("judge", "unused", "take_grants", "drop_access")
	out, err := s.report(ctx, sc.run("leave", "commit", "end"))
	var missing *MissingProgramError
	var login *AdminLoginError
	var gone *NoDatabaseError
	var taken *ForeignRoleError
	switch {
	case errors.As(err, &missing), errors.As(err, &login), errors.As(err, &gone):
		// Where psql does not run, or the database does not exist, the role was never marked: it is still the empty one
		// that createuser made.
		return nil, s.dropuser(ctx, b.Role)
	case out == nil:
		return nil, err
	case errors.As(err, &taken):
		// One of them is not ours any more: another run has taken it over, and answers for it.
		return out.did, nil
	}
	return out.did, err
}
