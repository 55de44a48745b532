package postgres

import "context"

// anyAccess is how the comment of every access role begins.
const anyAccess = markVersion + " access="

// Purge drops an access role that has no members and owns nothing, with what was granted to it and the default privileges made for it
// and by it. stays says that it has members or owns something, and that nothing was done. A role that is gone is no error.
// Errors: ErrStandby, *ForeignRoleError, *SQLError.
func (s *Server) Purge(ctx context.Context, access string) (did []string, stays bool, err error) {
	out, err := s.held(ctx, new(script).subjects(subject{Name: access, Claim: anyAccess}).set("claim", anyAccess, "kin", "false"))
	if err != nil {
		return nil, false, err
	}
	sc := new(script).set("run", scriptRun).subjects(subject{Name: access, Claim: anyAccess}).run("session")
	for _, database := range out.Held.entered(s.Database) {
		sc.connect(database).run("session", "lock", "judge", "unused", "purge", "take_grants", "commit")
	}
	out, err = s.report(ctx, sc.run("lock", "judge", "unused", "purge", "drop_access", "commit", "end"))
	if out == nil {
		return nil, false, err
	}
	return out.did, out.Stays, err
}
