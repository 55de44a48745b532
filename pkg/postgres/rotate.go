package postgres

import (
	"context"
	"fmt"
)

// Successor is a login role that takes the place of another one of the same binding. Where both are the same role, only its password changes.
type Successor struct {
	Role   string
	Former string
	Owner  Owner
}

// GoneError says that a role whose place was to be taken does not exist.
type GoneError struct{ Role string }

func (e *GoneError) Error() string { return fmt.Sprintf("role %q is gone", e.Role) }

// Succeed makes a role that createuser made a successor in one transaction: it joins what the former role is a member of, acts as what
// the former acts as, and gets its mark and password. What the access role holds beyond its level in this database is revoked. Then the new role
// logs in with the password. It may be repeated.
// Errors: *GoneError, and those of Bind.
func (s *Server) Succeed(ctx context.Context, r Successor, l Login) (*Result, error) {
	result, err := prove(ctx, l, func(l Login) (*Result, error) { return s.succeed(ctx, r, l) })
	return result, s.blame(ctx, r.Role, err)
}

func (s *Server) succeed(ctx context.Context, r Successor, l Login) (*Result, error) {
	sc, err := s.successionScript(r, l)
	if err != nil {
		return nil, err
	}
	out, err := s.psql(ctx, sc)
	if out == nil {
		return nil, err
	}
	result := &Result{Did: out.did, Lacks: out.Lacks, Unfinished: out.Unfinished}
	if out.Committed {
		result.Host = l.hostIn(out.Domain)
	}
	if out.Gone != "" {
		return result, &GoneError{Role: out.Gone}
	}
	if failure := s.outcome(out, err, r.Owner.Run); failure != nil {
		return result, failure
	}
	result.Reached, result.Standby, result.SSL = out.Login.Host, out.Login.Standby, out.Login.SSL
	result.Verified = out.verified()
	if out.Login.SessionUser != r.Role || out.Login.CurrentUser != out.ActsAs {
		return result, &LoginError{Message: fmt.Sprintf("the session acts as role %q instead of %q", out.Login.CurrentUser, out.ActsAs)}
	}
	return result, nil
}

// EndIdle ends the sessions of a binding's login role that are idle. The errors are those of Disable.
func (s *Server) EndIdle(ctx context.Context, owner Owner, role string) error {
	_, err := s.report(ctx, underLock(owner, role).set("heir", "").run("act_for", "end_idle", "commit", "end"))
	return err
}

func (s *Server) successionScript(r Successor, l Login) (*script, error) {
	verifier, err := l.verifier()
	if err != nil {
		return nil, err
	}
	l.Set = true
	b := Binding{Role: r.Role, Owner: r.Owner, Access: Access{Database: s.Database}}
	levels, err := levelTable()
	if err != nil {
		return nil, err
	}
	requests := []Request{{b, l}}
	sc := new(script).set("role", r.Role, "former", r.Former, "verifier", verifier, "levels", levels, "missing", "[]").run("session")
	sc.run("begin_changes", "current_level", "withheld").change("extra").run("end_changes")
	sc.set("leaving", "true").run("lock").subjects(subject{Name: r.Former, Claim: r.Owner.claim()}).run("judge", "former")
	sc.set("leaving", "false").subjects(loginSubjects(requests)...).run("judge").set("logins", sc.logins(requests, []int{0}))
	sc.run("role", "succeed", "silence", "password", "commit")
	return sc.proof(b, l), nil
}
