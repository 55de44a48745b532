package postgres

import (
	"context"
	"errors"
)

// Kept is an object that stays with its owner although the others are handed over.
type Kept struct {
	Object string `json:"object"` // its kind and its name
	Reason string `json:"reason"` // it runs as its owner ...
}

// Adoptable decides whether the binding can have its login role, which somebody created by hand, and logs in with the role's present
// password. It changes nothing. The errors are those of Bind, and *GoneError.
func (s *Server) Adoptable(ctx context.Context, spec RoleSpec, l Login) error {
	_, err := prove(ctx, l, func(l Login) (*Result, error) {
		sc := new(
			script,
		).run(
			"begin_session",
			"begin_and_lock",
		).subjects(
			loginSubjects([]Request{{spec, l}})...).run(
			"verify_ownership",
			"require_former",
			"commit",
		)
		out, err := s.psql(ctx, sc.proof(spec, l))
		if out == nil {
			return nil, err
		}
		return &Result{}, s.outcome(out, err, spec.Owner.Run)
	})
	return s.addCause(ctx, spec.Name, err)
}

// TransferResult is what a transfer of ownership changed, and what it could not change.
type TransferResult struct {
	Did        []string
	Unfinished []Unfinished // because of other sessions
	Kept       []Kept
	// Sharers are login roles that share the access role, because of which ReturnOwnership changed nothing.
	Sharers []string
}

// CompleteAdoption completes the adoption of a login role after its application is bound. The role loses what it holds in its own name in the
// database and in the schemas of the access role, because it has the privileges of the access role by now. With level all, the access
// role becomes the owner of what it owns there. It can be repeated. Errors: ErrStandby, *ForeignRoleError, *SQLError and those of psql.
func (s *Server) CompleteAdoption(ctx context.Context, spec RoleSpec) (*TransferResult, error) {
	sc := new(script).set("run", scriptRun).run("begin_session")
	if err := sc.describe(spec); err != nil {
		return nil, err
	}
	sc.subjects(
		subject{Name: spec.Name, Claim: spec.Owner.claim()},
	).run(
		"verify_ownership",
		"begin_changes",
		"join_access_roles",
		"withheld_relations",
	)
	sc.set("grantees", sc.json([]string{spec.Name}), "missing", "[]").change("direct_privileges")
	if spec.Access.Level == All {
		sc.transferOwnership(spec.Name, spec.Access.Role())
	}
	return s.reportTransfer(ctx, sc.run("leave_access_roles", "end_changes", "end"))
}

// transferOwnership appends what makes a role the owner of what another one owns in the schemas.
func (s *script) transferOwnership(from, to string) {
	s.set(
		"old_owner",
		from,
		"new_owner",
		to,
		"extra",
		"[]",
		"exempt",
		"[]",
		"regrants",
		"false",
	).change(
		"transfer_owned",
	).run(
		"report_kept",
	)
}

// reportTransfer runs a script that transfers ownership, and returns its report.
func (s *Server) reportTransfer(ctx context.Context, sc *script) (*TransferResult, error) {
	out, err := s.report(ctx, sc)
	if out == nil {
		return &TransferResult{}, err
	}
	return &TransferResult{Did: out.did, Unfinished: out.Unfinished, Kept: out.Kept, Sharers: out.Sharers}, err
}

// Release rolls back the adoption of a login role in this run, if no other run has taken it over, and drops the access role if it is new
// and unused. The role keeps its password. It returns the statements that it ran.
func (s *Server) Release(ctx context.Context, spec RoleSpec) ([]string, error) {
	schemas, err := spec.Access.schemaTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", spec.Owner.Run, "schemas", schemas, "access", spec.Access.Role()).run("begin_session", "begin_and_lock")
	sc.subjects(subject{Name: spec.Name, Claim: spec.Owner.mark()})
	sc.run("verify_ownership", "revoke_adoption", "commit", "begin_and_lock", "join_access_roles")
	out, err := s.report(ctx, sc.dropNewAccessRole(spec).run("leave_access_roles", "commit", "end"))
	if taken := (*ForeignRoleError)(nil); out != nil && errors.As(err, &taken) {
		return out.did, nil // the role has no comment of this run
	}
	if out == nil {
		return nil, err
	}
	return out.did, err
}
