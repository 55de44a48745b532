package postgres

import "context"

// anyAccess is how the comment of every access role begins.
const anyAccess = markVersion + " access="

// Purged is the result of a Purge of one access role. The errors are those of a Change.
type Purged struct {
	Change
	Stays bool // it has members or owns something, and nothing was done
}

// Purge drops access roles that have no members and own nothing, with what was granted to them and the default privileges made for them
// and by them. A role that is gone is no error. The results are in the order of the roles.
func (s *Server) Purge(ctx context.Context, roles []string) []Purged {
	subjects := make([]subject, len(roles))
	for i, role := range roles {
		subjects[i] = subject{Name: role, Claim: anyAccess}
	}
	purged := make([]Purged, len(roles))
	lookups, known := s.held(ctx, len(roles), func(sc *script, i int) {
		sc.set("claim", anyAccess, "kin", "false").subjects(subjects[i])
	})
	for i, lookup := range lookups {
		purged[i].Err = lookup.err
	}
	reports := s.forEach(ctx, len(known), func(sc *script, items []int) {
		sc.set("leaving", "false")
		for _, database := range s.databases(items, func(i int) []HeldDatabase { return lookups[known[i]].output.Held.Databases }) {
			for _, i := range database.items {
				sc.number(i).enter(database.name).subjects(subjects[known[i]]).run(
					"begin_and_lock", "verify_ownership", "is_unused", "keep_used_access_role", "drop_grants", "commit",
				)
			}
		}
		for _, i := range items {
			sc.number(
				i,
			).subjects(
				subjects[known[i]],
			).run(
				"begin_and_lock",
				"verify_ownership",
				"is_unused",
				"keep_used_access_role",
				"drop_access_role",
				"commit",
			)
		}
	})
	for at, change := range s.changes(ctx, reports) {
		purged[known[at]] = Purged{change, reports[at].output.Stays}
	}
	return purged
}
