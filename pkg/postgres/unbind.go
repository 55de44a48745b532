package postgres

import (
	"context"
	"errors"
	"fmt"
)

// scriptRun ends the scripts that mark nothing with a run of their own.
const scriptRun = "pgbind"

// ErrHomeless says that a role owns something that no access role would take over.
var ErrHomeless = errors.New("the role owns objects and is a member of no access role that could take them over")

// Disable takes the right to log in from a binding's login role; open sessions stay. A role that is gone is no error.
// Errors: ErrStandby, *ForeignRoleError, *SQLError.
func (s *Server) Disable(ctx context.Context, owner Owner, role string) error {
	_, err := s.report(ctx, underLock(owner, role).run("nologin", "commit", "end"))
	return err
}

// Sessions counts the open sessions of a binding's login role, of whatever owner.
func (s *Server) Sessions(ctx context.Context, owner Owner, role string) (int, error) {
	out, err := s.report(ctx, meant(owner, role).run("sessions", "end"))
	if err != nil {
		return 0, err
	}
	return out.Sessions, nil
}

// EndSessions ends the open sessions of a binding's login role that Disable has locked out, whatever they are doing. The errors are those of Disable.
func (s *Server) EndSessions(ctx context.Context, owner Owner, role string) error {
	_, err := s.report(ctx, underLock(owner, role).set("heir", "").run("act_for", "terminate", "commit", "end"))
	return err
}

// Drop hands what a binding's login role owns to its access role, in each of the databases and in that of the server, takes away its
// grants, policies and default privileges, and drops it. Each database is a transaction of its own, so that it can be repeated; a role
// that is gone is no error. It returns the statements that ran. Errors: ErrHomeless, and those of Disable.
func (s *Server) Drop(ctx context.Context, owner Owner, role string, databases []HeldDatabase) ([]string, error) {
	sc := meant(owner, role)
	h := &held{Databases: databases}
	for _, database := range h.entered(s.Database) {
		sc.connect(database).run("session", "lock", "judge", "heir", "act_for", "handover", "commit")
	}
	out, err := s.report(ctx, sc.run("lock", "judge", "drop", "commit", "end"))
	if out == nil {
		return nil, err
	}
	if out.Homeless != "" {
		return out.did, fmt.Errorf("role %q in database %q: %w", role, out.Homeless, ErrHomeless)
	}
	return out.did, err
}

// Rename gives a binding's login role another name. The errors are those of Disable.
func (s *Server) Rename(ctx context.Context, owner Owner, role, name string) error {
	_, err := s.report(ctx, underLock(owner, role).set("kept", name).run("rename", "commit", "end"))
	return err
}

// meant begins a script that is about one login role of a binding.
func meant(owner Owner, role string) *script {
	return new(script).set("run", scriptRun, "subject_oid", owner.oid()).subjects(subject{Name: role, Claim: owner.claim(), OID: owner.OID}).run("session")
}

// underLock begins a script that may change one login role of a binding.
func underLock(owner Owner, role string) *script {
	return meant(owner, role).run("lock", "judge")
}

// report runs a script that proves no login and may be repeated, and requires that it came to its end: where the connection was cut, or a
// transaction lost to another one, it runs again. What it reported is also returned beside an error, with what all its runs did.
func (s *Server) report(ctx context.Context, sc *script) (*output, error) {
	var did []string
	out, err := repeat(ctx, retryable, func() (*output, error) {
		out, err := s.reportOnce(ctx, sc)
		if out != nil {
			did = append(did, out.did...)
			out.did = did
		}
		return out, err
	})
	return out, s.blame(ctx, "", err)
}

func (s *Server) reportOnce(ctx context.Context, sc *script) (*output, error) {
	out, err := s.psql(ctx, sc)
	switch {
	case out == nil:
		return nil, err
	case out.Server != nil && out.Server.Standby:
		return out, ErrStandby
	case out.Refused != nil:
		return out, &ForeignRoleError{Role: out.Refused.Role, Verdict: out.Refused.Verdict}
	case out.Homeless != "" || out.Stays:
		return out, nil
	case err != nil:
		return out, s.scriptError(out, err)
	case out.End == "":
		return out, s.cut()
	}
	return out, nil
}
