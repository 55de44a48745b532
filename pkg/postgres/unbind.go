package postgres

import "context"

// scriptRun ends the scripts that mark nothing with a run of their own.
const scriptRun = "pgbind"

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

// Drop hands what a binding's login role owns to its access role of level all, or to the binding's owner role, in each of the databases and in that
// of the server, takes away its grants, policies and default privileges, and drops it. It commits many times, and can be repeated; a role that is
// gone is no error. It returns the statements that ran. The errors are those of Disable.
func (s *Server) Drop(ctx context.Context, owner Owner, role string, databases []HeldDatabase) ([]string, error) {
	sc := meant(owner, role)
	h := &held{Databases: databases}
	for _, database := range h.entered(s.Database) {
		sc.connect(database).run("session", "lock", "judge", "heir", "owner", "act_for", "commit", "batches")
		sc.run("lock", "judge", "handover", "commit")
	}
	out, err := s.report(ctx, sc.run("lock", "judge", "drop", "drop_owner", "commit", "end"))
	if out == nil {
		return nil, err
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
	return new(script).set("run", scriptRun, "subject_oid", owner.oid(), "leaving", "true").owner(owner).subjects(subject{Name: role, Claim: owner.claim(), OID: owner.OID}).run("session")
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
	case out.Stays:
		return out, nil
	case err != nil:
		return out, s.scriptError(out, err)
	case out.End == "":
		return out, s.cut()
	}
	return out, nil
}
