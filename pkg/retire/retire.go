// Package retire takes a binding's login role out of service: it tells what the role holds, refuses where something would be lost,
// locks the role out, ends its sessions and drops it. Unbind and rotate end with it.
package retire

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

const (
	// pollInterval is how often sessions are counted.
	pollInterval = time.Second
	// endTime is how long a session may take to end once the server was told to end it.
	endTime = 15 * time.Second
)

// Roles is what the story needs of the server; *postgres.Server does it.
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
	Owner  postgres.Owner // of the binding
	Report report.Reporter
	Grace  time.Duration // that open sessions get
	// Found is what Survey found: a role that was dropped since then, and made anew, is another binding's. nil: whatever has the name is meant.
	Found *postgres.Holdings
}

// owner is that of a role, with what tells the role from a later one of its name.
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

// LockOut takes the login from the role and then its sessions: those that have not ended after the grace are ended. It may be repeated.
// An error names what still holds the role.
func (r *Retirer) LockOut(ctx context.Context, role string) error {
	if err := r.Roles.Disable(ctx, r.owner(role), role); err != nil {
		return fmt.Errorf("take the login from role %q: %w", role, err)
	}
	left, err := r.AwaitSessions(ctx, role, r.Grace)
	if err != nil || left == 0 {
		return err
	}
	r.Report.Step("ending %d sessions of role %s", left, role)
	if err := r.Roles.EndSessions(ctx, r.owner(role), role); err != nil {
		return fmt.Errorf("end the sessions of role %q: %w", role, err)
	}
	left, err = r.AwaitSessions(ctx, role, endTime)
	if err == nil && left > 0 {
		err = fmt.Errorf("%d sessions of role %q do not end: look for them in pg_stat_activity", left, role)
	}
	return err
}

// AwaitSessions waits until the role has no session, for limit at most, and returns how many are left.
func (r *Retirer) AwaitSessions(ctx context.Context, role string, limit time.Duration) (left int, err error) {
	var deadline time.Time
	for told := 0; ; told = left {
		if left, err = r.Roles.Sessions(ctx, r.owner(role), role); err != nil {
			return left, fmt.Errorf("count the sessions of role %q: %w", role, err)
		}
		if deadline.IsZero() {
			// From the first look on: a slow server does not shorten what the sessions get.
			deadline = time.Now().Add(limit)
		}
		if left == 0 || !time.Now().Before(deadline) {
			return left, nil
		}
		if left != told {
			r.Report.Step("waiting for %d sessions of role %s, %s at most", left, role, time.Until(deadline).Round(time.Second))
		}
		select {
		case <-ctx.Done():
			return left, fmt.Errorf("wait for the sessions of role %q to end: %w", role, context.Cause(ctx))
		case <-time.After(pollInterval):
		}
	}
}

// Drop hands on what the role owns and drops it. It may be repeated.
func (r *Retirer) Drop(ctx context.Context, role string, databases []postgres.HeldDatabase) error {
	if err := r.obstacles(role); err != nil {
		return fmt.Errorf("role %q can no longer log in, but cannot be dropped: %w", role, err)
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
