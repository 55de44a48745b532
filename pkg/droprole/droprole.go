// Package droprole removes login roles of bindings: it reports what depends on the roles, refuses if data would be
// lost, disables the logins, terminates the sessions and drops the roles. Unbind and rotate end with it.
package droprole

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

const (
	// pollInterval is the interval between counts of the sessions.
	pollInterval = time.Second
	// endTime limits the time until a terminated session has ended.
	endTime = 15 * time.Second
)

// Roles changes roles on one server. Each result is that of the role at the same place. *postgres.Server implements it.
type Roles interface {
	Holdings(ctx context.Context, roles []postgres.LoginRole) []postgres.Found
	Disable(ctx context.Context, roles []postgres.LoginRole) []postgres.Change
	Sessions(ctx context.Context, roles []postgres.LoginRole) []postgres.Count
	EndSessions(ctx context.Context, roles []postgres.LoginRole) []postgres.Change
	Drop(ctx context.Context, roles []postgres.HeldRole) []postgres.Change
}

// Retirer retires login roles of one server, of one binding or of many.
type Retirer struct {
	Roles  Roles
	Report report.Reporter
	Grace  time.Duration // time for open sessions to end
}

// Role is a login role to retire. A role with an error is left out of the steps that follow.
type Role struct {
	postgres.HeldRole
	Sessions int // open sessions at the last count
	Err      error

	obstacles error // why the role cannot be dropped
}

// RoleOf returns the login role of a binding. If found contains it, it is identified by its OID, because a role of the
// same name can be created again for another binding. found is the result of Survey; nil: identify the role only by its
// name.
func RoleOf(owner postgres.Owner, found *postgres.Holdings, name string) *Role {
	role := &Role{HeldRole: postgres.HeldRole{LoginRole: postgres.LoginRole{Owner: owner, Name: name}}}
	if found == nil {
		return role
	}
	role.Databases = found.Databases
	role.obstacles = obstacles(found, name)
	for _, holder := range found.Roles {
		if holder.Role == name {
			role.Owner.OID = holder.OID
		}
	}
	return role
}

// LockOut disables the logins, waits for the sessions of all roles to end, and terminates those that are left after the
// grace period. It can be repeated.
func (r *Retirer) LockOut(ctx context.Context, roles []*Role) {
	disabled := open(roles)
	if len(disabled) == 0 {
		return
	}
	apply(disabled, r.Roles.Disable(ctx, loginRoles(disabled)), func(role *Role, change postgres.Change) {
		if change.Err != nil {
			role.Err = fmt.Errorf("disable the login of role %q: %w", role.Name, change.Err)
		}
	})
	busy := r.AwaitSessions(ctx, disabled, r.Grace)
	if len(busy) == 0 {
		return
	}
	for _, role := range busy {
		r.Report.Step("terminating %s of role %s", report.Number(role.Sessions, "session"), role.Name)
	}
	apply(busy, r.Roles.EndSessions(ctx, loginRoles(busy)), func(role *Role, change postgres.Change) {
		if change.Err != nil {
			role.Err = fmt.Errorf("terminate the sessions of role %q: %w", role.Name, change.Err)
		}
	})
	for _, role := range r.AwaitSessions(ctx, busy, endTime) {
		role.Err = fmt.Errorf(
			"%s of role %q did not end: find them in pg_stat_activity",
			report.Number(role.Sessions, "session"),
			role.Name,
		)
	}
}

// AwaitSessions waits until the roles have no sessions, up to limit, and returns the roles that still have some.
func (r *Retirer) AwaitSessions(ctx context.Context, roles []*Role, limit time.Duration) (busy []*Role) {
	var deadline time.Time
	for busy, reported := open(roles), 0; ; {
		sessions := r.count(ctx, busy)
		if busy = inUse(busy); deadline.IsZero() {
			// Start with the first count, so that a slow server does not shorten the time for the sessions.
			deadline = time.Now().Add(limit)
		}
		if len(busy) == 0 || !time.Now().Before(deadline) {
			return busy
		}
		if sessions != reported {
			r.Report.Step("waiting up to %s for %s of %s",
				time.Until(deadline).Round(time.Second), report.Number(sessions, "session"), name(busy))
			reported = sessions
		}
		select {
		case <-ctx.Done():
			for _, role := range busy {
				role.Err = fmt.Errorf("wait for the sessions of role %q to end: %w", role.Name, context.Cause(ctx))
			}
			return nil
		case <-time.After(pollInterval):
		}
	}
}

// count counts the sessions of each role, and returns their sum.
func (r *Retirer) count(ctx context.Context, roles []*Role) (sum int) {
	if len(roles) == 0 {
		return 0
	}
	apply(roles, r.Roles.Sessions(ctx, loginRoles(roles)), func(role *Role, count postgres.Count) {
		if role.Sessions = count.Sessions; count.Err != nil {
			role.Err = fmt.Errorf("count the sessions of role %q: %w", role.Name, count.Err)
		}
		sum += count.Sessions
	})
	return sum
}

// Drop reassigns what the roles own and drops the roles. It can be repeated.
func (r *Retirer) Drop(ctx context.Context, roles []*Role) {
	var dropped []*Role
	var held []postgres.HeldRole
	for _, role := range open(roles) {
		if role.obstacles != nil {
			role.Err = fmt.Errorf("role %q can no longer log in but cannot be dropped: %w", role.Name, role.obstacles)
			continue
		}
		dropped, held = append(dropped, role), append(held, role.HeldRole)
	}
	if len(dropped) == 0 {
		return
	}
	apply(dropped, r.Roles.Drop(ctx, held), func(role *Role, change postgres.Change) {
		for _, statement := range change.Did {
			r.Report.Detail("%s", statement)
		}
		if change.Err != nil {
			role.Err = fmt.Errorf("drop role %q: %w", role.Name, change.Err)
		}
	})
}

// open returns the roles without an error.
func open(roles []*Role) []*Role {
	return filter(roles, func(role *Role) bool { return role.Err == nil })
}

// inUse returns the roles without an error that have sessions.
func inUse(roles []*Role) []*Role {
	return filter(open(roles), func(role *Role) bool { return role.Sessions > 0 })
}

func filter(roles []*Role, keep func(*Role) bool) []*Role {
	var kept []*Role
	for _, role := range roles {
		if keep(role) {
			kept = append(kept, role)
		}
	}
	return kept
}

// apply calls do with each role and its result.
func apply[T any](roles []*Role, results []T, do func(*Role, T)) {
	for i, result := range results {
		do(roles[i], result)
	}
}

func loginRoles(roles []*Role) []postgres.LoginRole {
	var names []postgres.LoginRole
	for _, role := range roles {
		names = append(names, role.LoginRole)
	}
	return names
}

// name names one role, or counts several.
func name(roles []*Role) string {
	if len(roles) == 1 {
		return "role " + roles[0].Name
	}
	return fmt.Sprintf("%d roles", len(roles))
}
