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
	sc := new(script).set("run", scriptRun).run("session")
	if err := sc.describe(Binding{Access: a}); err != nil {
		return nil, err
	}
	sc.run("withheld").set("exempt", "[]", "regrants", "false", "giver", a.Role(), "heir", role).run("owned")
	sc.text.WriteString("\\set before :objects\n")
	out, err := s.report(ctx, sc.set("giver", role, "heir", a.Role()).run("owned", "former_login", "end"))
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
	b := Binding{Role: role, Owner: Owner{Run: scriptRun}, Access: Access{Database: database}}
	_, err := prove(ctx, l, func(l Login) (*Result, error) {
		sc := new(script).run("session")
		sc.text.WriteString("\\echo 'pgbind {\"committed\": true}'\n")
		out, err := s.psql(ctx, sc.proof(b, l))
		if out == nil {
			return nil, err
		}
		return &Result{}, s.outcome(out, err, scriptRun)
	})
	return err
}

// Handover is the ownership of objects in the schemas of an access role, and the login role that had it before a takeover, or gets it back.
type Handover struct {
	Access Access
	Login  string
	Except []string // what the access role owned before; it stays when the rest is given back
	Own    string   // the login role of the binding
	// Owner is the binding of which a login role must be a member of the access role. Without an ID, none must.
	Owner Owner
}

// HandOver makes the access role the owner of what the login owns in the schemas. A login that is no superuser becomes a member of the
// access role, so that its sessions keep their rights until EndLoan. It can be repeated. Errors: ErrStandby, *ForeignRoleError,
// *SQLError and those of psql.
func (s *Server) HandOver(ctx context.Context, h Handover) (*Settlement, error) {
	return s.handover(ctx, h, func(sc *script) { sc.run("lend").handOver(h.Login, h.Access.Role()) })
}

// GiveBack reverses HandOver and EndLoan, unless other bindings share the access role (Settlement.Sharers). The access role keeps the
// privileges of its level. It can be repeated. The errors are those of HandOver, and *GoneError.
func (s *Server) GiveBack(ctx context.Context, h Handover) (*Settlement, error) {
	except := h.Except
	if except == nil {
		except = []string{}
	}
	return s.handover(ctx, h, func(sc *script) {
		sc.set("own_login", h.Own).run("sharers").unless("is_shared", func() {
			sc.set(
				"giver", h.Access.Role(), "heir", h.Login, "extra", "[]", "exempt", sc.json(except), "regrants", "true",
			).change("owned").run("kept")
			sc.set("extra", "[]").change("missing").run("end_loan")
		})
	})
}

// EndLoan takes back the membership that HandOver granted to the login. It can be repeated. The errors are those of HandOver.
func (s *Server) EndLoan(ctx context.Context, h Handover) (*Settlement, error) {
	return s.handover(ctx, h, func(sc *script) { sc.run("end_loan") })
}

// handover runs what write appends, for an access role that belongs to pgbind. Without the access role, nothing runs.
func (s *Server) handover(ctx context.Context, h Handover, write func(sc *script)) (*Settlement, error) {
	if err := CheckName(h.Login); err != nil {
		return nil, fmt.Errorf("the former login: %w", err)
	}
	sc := new(script).set("run", scriptRun).run("session")
	if err := sc.describe(Binding{Access: h.Access}); err != nil {
		return nil, err
	}
	sc.set("former_login", h.Login).subjects(subject{Name: h.Access.Role(), Claim: h.Access.claim()}).run("judge")
	if h.Owner.ID != "" {
		sc.owner(h.Owner)
		sc.run("member")
	}
	sc.unless("absent", func() {
		sc.run("begin_changes", "join", "withheld")
		write(sc)
		sc.run("leave", "end_changes")
	})
	return s.settlement(ctx, sc.run("end"))
}
