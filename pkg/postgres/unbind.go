package postgres

import (
	"context"
	"slices"
)

// LoginRole is the login role of a binding. It is touched only if its comment names the owner; Owner.OID tells it from
// a later role of its name.
type LoginRole struct {
	Owner Owner
	Name  string
}

// Change is the result of a change of one role. The errors are ErrStandby, *ForeignRoleError, *LockedError, *BlockedError and *SQLError.
type Change struct {
	Did []string // statements that ran, also before an error
	Err error
}

// Count is the number of a login role's open sessions. The errors are those of a Change.
type Count struct {
	Sessions int
	Err      error
}

// Disable takes the right to log in from login roles; open sessions stay. A role that is gone is no error. The changes
// are in the order of the roles.
func (s *Server) Disable(ctx context.Context, roles []LoginRole) []Change {
	return s.changeRoles(ctx, roles, "begin_and_lock", "verify_ownership", "disable_login", "commit")
}

// EndSessions ends the open sessions of login roles that Disable has locked out, whatever they are doing. The changes are those of Disable.
func (s *Server) EndSessions(ctx context.Context, roles []LoginRole) []Change {
	return s.changeRoles(ctx, roles, "begin_and_lock", "verify_ownership", "act_as_new_owner", "terminate_sessions", "commit")
}

// EndIdle ends the sessions of login roles that are idle. The changes are those of Disable.
func (s *Server) EndIdle(ctx context.Context, roles []LoginRole) []Change {
	return s.changeRoles(ctx, roles, "begin_and_lock", "verify_ownership", "act_as_new_owner", "terminate_idle", "commit")
}

// changeRoles runs files for each of the roles.
func (s *Server) changeRoles(ctx context.Context, roles []LoginRole, files ...string) []Change {
	return s.changes(ctx, s.forEach(ctx, len(roles), func(sc *script, items []int) {
		for _, i := range items {
			sc.number(i).loginRole(roles[i]).set("new_owner", "").run(files...)
		}
	}))
}

// Sessions counts the open sessions of login roles. The counts are in the order of the roles.
func (s *Server) Sessions(ctx context.Context, roles []LoginRole) []Count {
	var counts []Count
	for _, report := range s.forEach(ctx, len(roles), func(sc *script, items []int) {
		for _, i := range items {
			sc.number(i).loginRole(roles[i]).run("count_sessions")
		}
	}) {
		counts = append(counts, Count{report.output.Sessions, report.err})
	}
	return counts
}

// NewName is a login role that gets another name.
type NewName struct {
	LoginRole
	To string
}

// Rename gives login roles other names. The changes are in the order of the names.
func (s *Server) Rename(ctx context.Context, names []NewName) []Change {
	return s.changes(ctx, s.forEach(ctx, len(names), func(sc *script, items []int) {
		for _, i := range items {
			sc.number(
				i,
			).loginRole(
				names[i].LoginRole,
			).set(
				"kept",
				names[i].To,
			).run(
				"begin_and_lock",
				"verify_ownership",
				"rename_role",
				"commit",
			)
		}
	}))
}

// HeldRole is a login role, and the databases in which it owns or was granted something.
type HeldRole struct {
	LoginRole
	Databases []HeldDatabase
}

// Drop hands what login roles own to the access role of level all of each, or to the owner role of its binding, in each
// of its databases and in that of the server, takes away their grants, policies and default privileges, and drops them.
// It commits many times, and can be repeated; a role that is gone is no error. The changes are in the order of the
// roles.
func (s *Server) Drop(ctx context.Context, roles []HeldRole) []Change {
	reports := s.forEach(ctx, len(roles), func(sc *script, items []int) {
		for _, database := range s.databases(items, func(i int) []HeldDatabase { return roles[i].Databases }) {
			for _, i := range database.items {
				sc.number(i).enter(database.name).loginRole(roles[i].LoginRole).run(
					"begin_and_lock",
					"verify_ownership",
					"choose_new_owner",
					"create_owner_role",
					"act_as_new_owner",
					"commit",
					"reassign_in_batches",
				)
				sc.run("begin_and_lock", "verify_ownership", "reassign_owned", "commit")
			}
		}
		for _, i := range items {
			sc.number(i).loginRole(roles[i].LoginRole).run("begin_and_lock", "verify_ownership", "drop_role", "drop_owner_role", "commit")
		}
	})
	for i := range reports {
		reports[i].err = s.blameTables(ctx, roles[i], reports[i].err)
	}
	return s.changes(ctx, reports)
}

// visit is a database that a session enters once, for all items that need it.
type visit struct {
	name  string
	items []int
}

// databases returns what the items need to enter: the server's own database for each, and those that take connections
// in which an item holds something.
func (s *Server) databases(items []int, held func(item int) []HeldDatabase) []visit {
	visits := []visit{{s.home(), items}}
	for _, i := range items {
		for _, database := range held(i) {
			at := slices.IndexFunc(visits, func(v visit) bool { return v.name == database.Name })
			switch {
			case !database.Open || at == 0:
			case at < 0:
				visits = append(visits, visit{database.Name, []int{i}})
			default:
				visits[at].items = append(visits[at].items, i)
			}
		}
	}
	return visits
}

// loginRole names the login role that follows.
func (s *script) loginRole(r LoginRole) *script {
	s.set("subject_oid", r.Owner.oid()).owner(r.Owner)
	return s.subjects(subject{Name: r.Name, Claim: r.Owner.claim(), OID: r.Owner.OID})
}

// changes returns the results, with the sessions that hold a lock on roles.
func (s *Server) changes(ctx context.Context, reports []itemReport) []Change {
	var changes []Change
	for _, report := range reports {
		changes = append(changes, Change{report.did, s.addCause(ctx, "", report.err)})
	}
	return changes
}

// blameTables adds to the timeout of a lock the statements that could not run and the sessions that prevent them.
func (s *Server) blameTables(ctx context.Context, r HeldRole, err error) error {
	if !timedOut(err) {
		return err
	}
	reports := s.forEach(ctx, 1, func(sc *script, items []int) {
		for _, database := range s.databases(items, func(int) []HeldDatabase { return r.Databases }) {
			sc.number(0).enter(database.name).loginRole(r.LoginRole).run("choose_new_owner", "report_blockers")
		}
	})
	if blocked := reports[0].output.Unfinished; len(blocked) > 0 {
		return &BlockedError{Blocked: blocked, Err: err}
	}
	return err
}
