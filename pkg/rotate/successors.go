package rotate

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// successors creates the second login roles and verifies that they can log in: one exec for each batch. Roles that
// exist are set up by another one.
func (r *run) successors(ctx context.Context, items []*item) {
	for _, i := range items {
		i.source = i.plan.former
		i.replacement = replacement{to: i.plan.role, generation: i.plan.generation, retired: []string{i.plan.former}}
	}
	r.servers.each(items, func(roles Roles, batch []*item) {
		requests := make([]postgres.Request, len(batch))
		for n, i := range batch {
			requests[n] = i.request(i.source, i.password)
		}
		for n, creation := range roles.CreateAll(ctx, requests) {
			i, unknown := batch[n], new(postgres.UnknownError)
			i.existed = errors.Is(creation.Err, postgres.ErrExists)
			if creation.Made || i.existed || errors.As(creation.Err, &unknown) {
				i.toRollBack.Push(r.dropSuccessor(i))
			}
			switch {
			case creation.Made:
				r.conclude(i, creation.Outcome)
			case !i.existed:
				i.err = fmt.Errorf("create role %q in pod/%s: %w", i.plan.role, i.endpoint.Pod.Name, creation.Err)
			}
		}
	})
	r.setUpExisting(ctx, filter(phases.Open(items), func(i *item) bool { return i.existed }))
}

// setUpExisting sets up new roles that existed: another rotation is in progress or was interrupted. If the Secret has
// the role by now, Pods may use its password, and the old role may be gone.
func (r *run) setUpExisting(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		_, c, err := r.holds(ctx, i, i.plan.role)
		if c != nil {
			i.source, i.password = i.plan.role, c.Password
		}
		i.err = err
	})
	r.bindAll(ctx, phases.Open(items), func(i *item) postgres.Request { return i.request(i.source, i.password) })
}

// bindAll sets up login roles that exist.
func (r *run) bindAll(ctx context.Context, items []*item, requestOf func(*item) postgres.Request) {
	r.servers.each(items, func(roles Roles, batch []*item) {
		requests := make([]postgres.Request, len(batch))
		for n, i := range batch {
			requests[n] = requestOf(i)
		}
		for n, outcome := range roles.BindAll(ctx, requests) {
			r.conclude(batch[n], outcome)
		}
	})
}

// conclude reports what was done to a login role, and what was not.
func (r *run) conclude(i *item, o postgres.Outcome) {
	if o.Result != nil {
		for _, statement := range o.Result.Did {
			r.Report.Detail("%s", statement)
		}
		for _, missing := range o.Result.Lacks {
			r.Report.Warn("role %s does not get %s", i.plan.role, missing)
		}
		for _, u := range o.Result.Unfinished {
			r.Report.Warn("%s", u)
		}
	}
	switch {
	case o.Err != nil && r.options.InPlace:
		i.err = fmt.Errorf("change the password of role %q in pod/%s: %w", i.plan.role, i.endpoint.Pod.Name, o.Err)
	case o.Err != nil:
		i.err = fmt.Errorf("set up role %q to replace %q in pod/%s: %w", i.plan.role, i.plan.former, i.endpoint.Pod.Name, o.Err)
	default:
		i.host, i.encrypted = o.Result.Host, o.Result.SSL
		report.Login(r.Report, i.plan.role, o.Result)
	}
}

// dropSuccessor drops the second login role, unless Pods may still use it.
func (r *run) dropSuccessor(i *item) rollback.Step {
	return rollback.Step{
		What: "role " + i.plan.role,
		How:  i.command(),
		Do: func(ctx context.Context) (dropped bool, err error) {
			if i.keepSuccessor {
				return false, errors.New("something may still have its password")
			}
			// This run has rolled back what it wrote to the Secret. Another run has written the role there and is responsible for it.
			if _, c, err := r.holds(ctx, i, i.plan.role); c != nil || err != nil {
				return false, err
			}
			role := droprole.RoleOf(i.plan.owner, nil, i.plan.role)
			r.servers.with(i, func(roles Roles) {
				r.retirer(roles).LockOut(ctx, []*droprole.Role{role})
				dropped = role.Err == nil
				r.retirer(roles).Drop(ctx, []*droprole.Role{role})
			})
			return dropped, role.Err
		},
	}
}

// command is the command that rotates the binding.
func (i *item) command() string {
	return fmt.Sprintf("kubectl pgbind rotate %s -n %s --secret %s", i.Name, i.Namespace, i.SecretName)
}

// passwords changes the passwords of the current roles.
func (r *run) passwords(ctx context.Context, items []*item) {
	for _, i := range items {
		i.to, i.generation = i.plan.role, i.plan.generation
		i.toRollBack.Push(r.restorePassword(i))
	}
	r.bindAll(ctx, items, func(i *item) postgres.Request { return i.request(i.plan.role, i.password) })
}

// restorePassword sets the password that the Secret had before.
func (r *run) restorePassword(i *item) rollback.Step {
	return rollback.Step{
		What: "the new password of role " + i.plan.role,
		How:  i.command() + " --in-place",
		Do: func(ctx context.Context) (bool, error) {
			c, ok := secret.Of(i.Secret)
			switch {
			case i.keepSuccessor:
				return false, errors.New("the Secret may still hold it")
			case !ok:
				return false, errors.New("the Secret did not hold the old password")
			}
			var outcome postgres.Outcome
			r.servers.with(i, func(roles Roles) {
				outcome = roles.BindAll(ctx, []postgres.Request{i.request(i.plan.role, c.Password)})[0]
			})
			return outcome.Err == nil, outcome.Err
		},
	}
}
