package postgres

import (
	"context"
	"fmt"
)

// FormerLogin is a login role that a takeover replaces. It is never altered.
type FormerLogin struct {
	Exists     bool            `json:"exists"`
	Superuser  bool            `json:"superuser"`
	Marked     bool            `json:"marked"`     // it is a role of pgbind
	Owned      []string        `json:"owned"`      // what the access role owns already
	Statements []string        `json:"statements"` // that hand over what the role owns
	Stays      []Kept          `json:"stays"`      // what it keeps
	Sessions   []FormerSession `json:"sessions"`   // in the database
}

// FormerSession counts the sessions of a former login from one address.
type FormerSession struct {
	Address     string `json:"address"` // empty: over the server's socket
	Application string `json:"application"`
	Count       int    `json:"count"`
}

// FormerLogin reads what a takeover has to know of the former login. It changes nothing. Errors: ErrStandby, *SQLError and those of psql.
func (s *Server) FormerLogin(ctx context.Context, a Access, role string) (*FormerLogin, error) {
	sc := new(script).set("run", scriptRun).run("begin_session")
	if err := sc.describe(RoleSpec{Access: a}); err != nil {
		return nil, err
	}
	sc.run("withheld_relations").set("exempt", "[]", "regrants", "false", "old_owner", a.Role(), "new_owner", role).run("transfer_owned")
	sc.text.WriteString("\\set before :objects\n")
	out, err := s.report(ctx, sc.set("old_owner", role, "new_owner", a.Role()).run("transfer_owned", "former_login", "end"))
	if err == nil && out.Former == nil {
		err = s.cut()
	}
	if err != nil {
		return nil, err
	}
	return out.Former, nil
}

// VerifyLogin logs in as a role that need not belong to a binding. Nothing changes. Errors: ErrStandby, *LoginError and those of psql.
func (s *Server) VerifyLogin(ctx context.Context, role, database string, l Login) error {
	spec := RoleSpec{Name: role, Owner: Owner{Run: scriptRun}, Access: Access{Database: database}}
	_, err := prove(ctx, l, func(l Login) (*Result, error) {
		sc := new(script).run("begin_session")
		sc.text.WriteString("\\echo 'pgbind {\"committed\": true}'\n")
		out, err := s.psql(ctx, sc.proof(spec, l))
		if out == nil {
			return nil, err
		}
		return &Result{}, s.outcome(out, err, scriptRun)
	})
	return err
}

// OwnershipTransfer is the ownership of objects in the schemas of an access role, and the login role that had it before a takeover, or gets it back.
type OwnershipTransfer struct {
	Access Access
	Login  string
	Except []string // what the access role owned before; it stays when the rest is given back
	Own    string   // the login role of the binding
	// Owner is the binding of which a login role must be a member of the access role. Without an ID, none must.
	Owner Owner
}

// TransferOwnership makes the access role the owner of what the login owns in the schemas. A login that is no superuser becomes a member of the
// access role, so that its sessions keep their rights until RevokeMembership. It can be repeated. Errors: ErrStandby, *ForeignRoleError,
// *SQLError and those of psql.
func (s *Server) TransferOwnership(ctx context.Context, transfer OwnershipTransfer) (*TransferResult, error) {
	return s.runTransfer(
		ctx,
		transfer,
		func(sc *script) { sc.run("grant_membership").transferOwnership(transfer.Login, transfer.Access.Role()) },
	)
}

// ReturnOwnership reverses TransferOwnership and RevokeMembership, unless other bindings share the access role (TransferResult.Sharers). The access role keeps the
// privileges of its level. It can be repeated. The errors are those of TransferOwnership, and *GoneError.
func (s *Server) ReturnOwnership(ctx context.Context, transfer OwnershipTransfer) (*TransferResult, error) {
	except := transfer.Except
	if except == nil {
		except = []string{}
	}
	return s.runTransfer(ctx, transfer, func(sc *script) {
		sc.set("own_login", transfer.Own).run("other_members").unless("is_shared", func() {
			sc.set(
				"old_owner",
				transfer.Access.Role(),
				"new_owner",
				transfer.Login,
				"extra",
				"[]",
				"exempt",
				sc.json(except),
				"regrants",
				"true",
			).change("transfer_owned").run("report_kept")
			sc.set("extra", "[]").change("missing_privileges").run("revoke_membership")
		})
	})
}

// RevokeMembership revokes the membership that TransferOwnership granted to the login. It can be repeated. The errors are those of
// TransferOwnership.
func (s *Server) RevokeMembership(ctx context.Context, transfer OwnershipTransfer) (*TransferResult, error) {
	return s.runTransfer(ctx, transfer, func(sc *script) { sc.run("revoke_membership") })
}

// runTransfer runs what write appends, for an access role that belongs to pgbind. Without the access role, nothing runs.
func (s *Server) runTransfer(ctx context.Context, transfer OwnershipTransfer, write func(sc *script)) (*TransferResult, error) {
	if err := CheckName(transfer.Login); err != nil {
		return nil, fmt.Errorf("the former login: %w", err)
	}
	sc := new(script).set("run", scriptRun).run("begin_session")
	if err := sc.describe(RoleSpec{Access: transfer.Access}); err != nil {
		return nil, err
	}
	sc.set(
		"former_login",
		transfer.Login,
	).subjects(
		subject{Name: transfer.Access.Role(), Claim: transfer.Access.claim()},
	).run(
		"verify_ownership",
	)
	if transfer.Owner.ID != "" {
		sc.owner(transfer.Owner)
		sc.run("require_member")
	}
	sc.unless("absent", func() {
		sc.run("begin_changes", "join_access_roles", "withheld_relations")
		write(sc)
		sc.run("leave_access_roles", "end_changes")
	})
	return s.reportTransfer(ctx, sc.run("end"))
}
