package postgres

import (
	"context"
	"errors"
)

// Undo drops what a run created and what is still its own: the login role, and a schema and an access role if they are new and unused.
// A login role that carries no mark yet goes too: call it only if this run made the role. It returns the statements that it ran.
func (s *Server) Undo(ctx context.Context, spec RoleSpec) ([]string, error) {
	schemas, err := spec.Access.schemaTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", spec.Owner.Run, "schemas", schemas).run("begin_session", "begin_and_lock")
	sc.subjects(subject{Name: spec.Name, Claim: spec.Owner.mark()}).run("verify_ownership", "drop_role", "commit")
	// A transaction of its own: that another run made the access role is no reason to keep the login role.
	sc.run("begin_and_lock", "join_access_roles")
	if spec.Creates.Schema != "" {
		sc.set("access", spec.Access.Role(), "new_schema", spec.Creates.Schema, "schema_mark", spec.Owner.schemaMark()).run("drop_schema")
	}
	out, err := s.report(ctx, sc.dropNewAccessRole(spec).run("leave_access_roles", "commit", "end"))
	var missing *MissingProgramError
	var login *AdminLoginError
	var gone *NoDatabaseError
	var taken *ForeignRoleError
	switch {
	case errors.As(err, &missing), errors.As(err, &login), errors.As(err, &gone):
		// Where psql does not run, or the database does not exist, the role was never marked: it is still the empty one
		// that createuser made.
		return nil, s.dropuser(ctx, spec.Name)
	case out == nil:
		return nil, err
	case errors.As(err, &taken):
		// One of them is not ours any more: another run has taken it over, and answers for it.
		return out.did, nil
	}
	return out.did, err
}

// dropNewAccessRole drops the access role if this run created it and nothing uses it.
func (s *script) dropNewAccessRole(spec RoleSpec) *script {
	s.subjects(subject{Name: spec.Access.Role(), Claim: spec.Access.mark(spec.Owner.Run)})
	return s.run("verify_ownership", "is_unused", "drop_grants", "drop_access_role")
}
