// Package retire removes a binding's login role: it reports what depends on the role, refuses if data would be lost, disables the login,
// terminates the sessions and drops the role. Unbind and rotate end with it.
package retire

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

// Roles changes roles on one server. *postgres.Server implements it.
type Roles interface {
	Holdings(ctx context.Context, owner postgres.Owner, role string) (*postgres.Holdings, error)
	Disable(ctx context.Context, owner postgres.Owner, role string) error
	Sessions(ctx context.Context, owner postgres.Owner, role string) (int, error)
	EndSessions(ctx context.Context, owner postgres.Owner, role string) error
	Drop(ctx context.Context, owner postgres.Owner, role string, databases []postgres.HeldDatabase) ([]string, error)
}

// Retirer retires the login roles of one binding.
type Retirer struct {
	Roles  Roles
	Owner  postgres.Owner // owner of the binding's roles
	Report report.Reporter
	Grace  time.Duration // time for open sessions to end
	// Found is the result of Survey. It identifies each role by its OID, because a role of the same name can be created again for another
	// binding. nil: identify roles only by name.
	Found *postgres.Holdings
}

// owner returns the owner of a role, with its OID if Found contains it.
func (r *Retirer) owner(role string) postgres.Owner {
	owner := r.Owner
	if r.Found == nil {
		return owner
	}
	for _, found := range r.Found.Roles {
		if found.Role == role {
			owner.OID = found.OID
		}
	}
	return owner
}

// LockOut disables the login of the role, waits for its sessions to end, and terminates them after the grace period. It can be repeated.
// An error names the remaining sessions.
func (r *Retirer) LockOut(ctx context.Context, role string) error {
	if err := r.Roles.Disable(ctx, r.owner(role), role); err != nil {
		return fmt.Errorf("disable the login of role %q: %w", role, err)
	}
	left, err := r.AwaitSessions(ctx, role, r.Grace)
	if err != nil || left == 0 {
		return err
	}
	r.Report.Step("terminating %d sessions of role %s", left, role)
	if err := r.Roles.EndSessions(ctx, r.owner(role), role); err != nil {
		return fmt.Errorf("terminate the sessions of role %q: %w", role, err)
	}
	left, err = r.AwaitSessions(ctx, role, endTime)
	if err == nil && left > 0 {
		err = fmt.Errorf("%d sessions of role %q did not end: find them in pg_stat_activity", left, role)
	}
	return err
}

// AwaitSessions waits until the role has no sessions, up to limit, and returns how many are left.
func (r *Retirer) AwaitSessions(ctx context.Context, role string, limit time.Duration) (left int, err error) {
	var deadline time.Time
	for reported := 0; ; reported = left {
		if left, err = r.Roles.Sessions(ctx, r.owner(role), role); err != nil {
			return left, fmt.Errorf("count the sessions of role %q: %w", role, err)
		}
		if deadline.IsZero() {
			// Start with the first count, so that a slow server does not shorten the time for the sessions.
			deadline = time.Now().Add(limit)
		}
		if left == 0 || !time.Now().Before(deadline) {
			return left, nil
		}
		if left != reported {
			r.Report.Step("waiting up to %[3]s for %[1]d sessions of role %[2]s", left, role, time.Until(deadline).Round(time.Second))
		}
		select {
		case <-ctx.Done():
			return left, fmt.Errorf("wait for the sessions of role %q to end: %w", role, context.Cause(ctx))
		case <-time.After(pollInterval):
		}
	}
}

// Drop reassigns what the role owns and drops the role. It can be repeated.
func (r *Retirer) Drop(ctx context.Context, role string, databases []postgres.HeldDatabase) error {
	if err := r.obstacles(role); err != nil {
		return fmt.Errorf("role %q can no longer log in but cannot be dropped: %w", role, err)
	}
	did, err := r.Roles.Drop(ctx, r.owner(role), role, databases)
	for _, statement := range did {
		r.Report.Step("%s", statement)
	}
	if err != nil {
		return fmt.Errorf("drop role %q: %w", role, err)
	}
	return nil
}
