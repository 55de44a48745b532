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
func (s *Server) Adoptable(ctx context.Context, b Binding, l Login) error {
	_, err := prove(ctx, l, func(l Login) (*Result, error) {
		sc := new(script).run("session", "lock").subjects(loginSubjects([]Request{{b, l}})...).run("judge", "former", "commit")
		out, err := s.psql(ctx, sc.proof(b, l))
		if out == nil {
			return nil, err
		}
		return &Result{}, s.outcome(out, err, b.Owner.Run)
	})
	return s.blame(ctx, b.Role, err)
}

// Settlement is what Settle changed, and what it could not change.
type Settlement struct {
	Did        []string
	Unfinished []Unfinished // because of other sessions
	Kept       []Kept
	// Sharers are login roles that share the access role, because of which GiveBack changed nothing.
	Sharers []string
}

// Settle completes the adoption of a login role after its application is bound. The role loses what it holds in its own name in the
// database and in the schemas of the access role, because it has the privileges of the access role by now. With level all, the access
// role becomes the owner of what it owns there. It can be repeated. Errors: ErrStandby, *ForeignRoleError, *SQLError and those of psql.
func (s *Server) Settle(ctx context.Context, b Binding) (*Settlement, error) {
	sc := new(script).set("run", scriptRun).run("session")
	if err := sc.describe(b); err != nil {
		return nil, err
	}
	sc.subjects(subject{Name: b.Role, Claim: b.Owner.claim()}).run("judge", "begin_changes", "join", "withheld")
	sc.set("grantees", sc.json([]string{b.Role}), "missing", "[]").change("covered")
	if b.Access.Level == All {
		sc.handOver(b.Role, b.Access.Role())
	}
	return s.settlement(ctx, sc.run("leave", "end_changes", "end"))
}

// handOver appends what makes a role the owner of what another one owns in the schemas.
func (s *script) handOver(giver, heir string) {
	s.set("giver", giver, "heir", heir, "extra", "[]", "exempt", "[]", "regrants", "false").change("owned").run("kept")
}

// settlement runs a script that hands over objects.
func (s *Server) settlement(ctx context.Context, sc *script) (*Settlement, error) {
	out, err := s.report(ctx, sc)
	if out == nil {
		return &Settlement{}, err
	}
	return &Settlement{Did: out.did, Unfinished: out.Unfinished, Kept: out.Kept, Sharers: out.Sharers}, err
}

// Release rolls back the adoption of a login role in this run, if no other run has taken it over, and drops the access role if it is new
// and unused. The role keeps its password. It returns the statements that it ran.
func (s *Server) Release(ctx context.Context, b Binding) ([]string, error) {
	schemas, err := b.Access.schemaTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", b.Owner.Run, "schemas", schemas, "access", b.Access.Role()).run("session", "lock")
	sc.subjects(subject{Name: b.Role, Claim: b.Owner.mark()}).run("judge", "release", "commit", "lock", "join")
	sc.subjects(subject{Name: b.Access.Role(), Claim: b.Access.mark(b.Owner.Run)}).run("judge", "unused", "take_grants", "drop_access")
	out, err := s.report(ctx, sc.run("leave", "commit", "end"))
	if taken := (*ForeignRoleError)(nil); out != nil && errors.As(err, &taken) {
		return out.did, nil // the role has no comment of this run
	}
	if out == nil {
		return nil, err
	}
	return out.did, err
}
