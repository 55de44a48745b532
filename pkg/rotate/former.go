package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// rolesOf returns the roles that a rotation drops, and the item of each.
func rolesOf(items []*item) (roles []*droprole.Role, owners []*item) {
	for _, i := range items {
		for _, name := range i.retired {
			roles, owners = append(roles, droprole.RoleOf(i.plan.owner, i.held, name)), append(owners, i)
		}
	}
	return roles, owners
}

// fail gives the items the errors of their roles.
func fail(roles []*droprole.Role, owners []*item, describe func(error) error) {
	for n, role := range roles {
		if role.Err != nil && owners[n].err == nil {
			owners[n].err = describe(role.Err)
		}
	}
}

// onPrimary calls do, and again on the new primary for items whose server was demoted or stopped meanwhile. The Pods
// use the new login already, so that a roll-back would replace them once more.
func (r *run) onPrimary(ctx context.Context, items []*item, do func(context.Context, []*item)) {
	do(ctx, items)
	for range rounds {
		moved := filter(items, func(i *item) bool { return postgres.IsUnavailable(i.err) })
		if len(moved) == 0 || !parallel.Pause(ctx, r.AwaitPrimary) {
			return
		}
		for _, i := range moved {
			r.Report.Step("%s: %v: looking for the primary again", podOf(i).Name, i.err)
			i.err = nil
		}
		phases.Through(ctx, moved, r.findServers, r.survey, requireSuccessor, do)
	}
}

// requireSuccessor refuses to retire the old role if a failover lost the new one, which an asynchronous standby did not have yet.
func requireSuccessor(_ context.Context, items []*item) {
	for _, i := range items {
		if !slices.ContainsFunc(i.held.Roles, func(h postgres.RoleDependencies) bool { return h.Role == i.to }) {
			i.err = fmt.Errorf("a failover lost role %q, which the new primary pod/%s does not have", i.to, i.endpoint.Pod.Name)
		}
	}
}

// waitForSessions waits for the sessions of the old roles and terminates those that are idle after the grace period, as in a connection pool.
func (r *run) waitForSessions(ctx context.Context, items []*item) {
	r.onPrimary(ctx, items, r.endSessions)
}

func (r *run) endSessions(ctx context.Context, items []*item) {
	replaced := filter(items, func(i *item) bool { return !i.unseen && !i.kept })
	r.servers.each(replaced, func(server Roles, batch []*item) {
		roles, owners := rolesOf(batch)
		retirer := r.retirer(server)
		if busy := retirer.AwaitSessions(ctx, roles, r.options.Grace); len(busy) > 0 {
			r.endIdle(ctx, server, busy)
			for _, role := range retirer.AwaitSessions(ctx, busy, r.options.Drain) {
				r.Report.Warn(
					"%s of role %s did not end in time and will be terminated",
					report.Number(role.Sessions, "session"),
					role.Name,
				)
			}
		}
		fail(roles, owners, func(err error) error { return err })
	})
}

// endIdle terminates the idle sessions of the roles.
func (r *run) endIdle(ctx context.Context, server Roles, busy []*droprole.Role) {
	names := make([]postgres.LoginRole, len(busy))
	for n, role := range busy {
		names[n] = role.LoginRole
	}
	for n, change := range server.EndIdle(ctx, names) {
		if change.Err != nil {
			busy[n].Err = fmt.Errorf("terminate the idle sessions of role %q: %w", busy[n].Name, change.Err)
		}
	}
}

// retire drops the old roles. If it is unknown whether something still uses a role, the role stays until the next
// rotation, or for as long as the options specify.
func (r *run) retire(ctx context.Context, items []*item) {
	var seen, unseen []*item
	for _, i := range items {
		switch {
		case i.kept:
			r.Report.Step("role %s stays until the next rotation because Pods still use it", i.plan.former)
		case i.unseen:
			unseen = append(unseen, i)
		default:
			seen = append(seen, i)
		}
	}
	r.drop(ctx, seen)
	if len(unseen) == 0 {
		return
	}
	wait := max(r.options.Settle, r.options.DropAfter)
	r.Report.Step("waiting %s, because it is unknown when the applications use the new login", wait)
	err := sleep(ctx, wait)
	for _, i := range unseen {
		if i.err = err; err == nil && r.options.DropAfter == 0 {
			r.Report.Step("role %s stays until the next rotation", i.plan.former)
			i.finished = true
		}
	}
	r.drop(ctx, phases.Open(unseen))
}

// drop disables and drops the roles that nothing uses any more. This cannot be rolled back.
func (r *run) drop(ctx context.Context, items []*item) { r.onPrimary(ctx, items, r.dropRoles) }

func (r *run) dropRoles(ctx context.Context, items []*item) {
	r.servers.each(items, func(server Roles, batch []*item) {
		roles, owners := rolesOf(batch)
		r.retirer(server).LockOut(ctx, roles)
		r.retirer(server).Drop(ctx, roles)
		fail(roles, owners, func(err error) error {
			return fmt.Errorf("%w (the new login is in use: run the same command again to continue)", err)
		})
		for _, role := range roles {
			if role.Err == nil {
				r.Report.Done("role/"+role.Name, "dropped")
			}
		}
	})
}

// finishEarlier drops the roles that earlier rotations left. An item is finished if this completes an interrupted rotation.
func (r *run) finishEarlier(ctx context.Context, items []*item) {
	earlier := filter(items, (*item).leftEarlier)
	for _, i := range earlier {
		i.replacement = replacement{to: i.plan.former, generation: i.Marks.Generation, retired: i.plan.earlier, since: i.Marks.RotatedAt()}
	}
	phases.Through(ctx, earlier, r.waitForFiles, r.pods, refuseKept, r.waitForSessions, r.verifySecrets, r.drop)
	for _, i := range phases.Open(earlier) {
		if i.finished = !i.unseen; i.finished {
			r.Report.Done("secret/"+i.SecretName, "rotated")
		}
	}
}

// waitForFiles waits until applications have read the files of Secrets that an earlier run changed.
func (r *run) waitForFiles(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		if i.unseen {
			i.err = sleep(ctx, time.Until(i.Marks.RotatedAt().Add(r.options.Settle)))
		}
	})
}

// refuseKept refuses items whose Pods still use an earlier login.
func refuseKept(_ context.Context, items []*item) {
	for _, i := range items {
		if i.kept {
			i.err = fmt.Errorf(
				"an earlier rotation of secret/%s is not complete because Pods still use the login of %s: replace them first",
				i.SecretName, strings.Join(i.retired, ", "),
			)
		}
	}
}

// verifySecrets requires that the Secrets still hold the current logins: the earlier run can still be in progress and roll back.
func (r *run) verifySecrets(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		if _, c, err := r.holds(ctx, i, i.to); c == nil {
			i.err = errors.Join(fmt.Errorf("secret/%s in namespace %s no longer holds the login of role %q: run the command again",
				i.SecretName, i.Namespace, i.to), err)
		}
	})
}

// sleep waits for d, or returns the reason why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	if !parallel.Pause(ctx, d) {
		return fmt.Errorf("wait until the applications use the new login: %w", context.Cause(ctx))
	}
	return nil
}
