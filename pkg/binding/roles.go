package binding

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// roles creates the login roles, grants what their levels say, and verifies their logins. Labels only suggest which server takes writes, the
// server itself knows: items on a standby go on with the next candidate.
func (r *run) roles(ctx context.Context, items []*Item) {
	each(items, func(i *Item) { r.dropUnused(ctx, i) })
	items = slices.DeleteFunc(slices.Clone(items), (*Item).isVerified)
	for len(items) > 0 {
		var group errgroup.Group
		for _, batch := range r.batches(items) {
			group.Go(func() error {
				r.servers.with(batch[0].plan, func(s Server) { r.ask(ctx, s, batch) })
				return nil
			})
		}
		_ = group.Wait() // each item keeps its own error
		items = onStandby(items)
	}
}

// isVerified says that an earlier round did all that is asked for: the item met another writer only later.
func (i *Item) isVerified() bool {
	return i.result != nil && reflect.DeepEqual(i.asked, i.plan.request())
}

// batches splits items into those that share an exec.
func (r *run) batches(items []*Item) (batches [][]*Item) {
	type session struct {
		line
		creates bool
	}
	groups := map[session][]*Item{}
	for _, i := range items {
		key := session{lineOf(i.plan), i.plan.how == createRole}
		groups[key] = append(groups[key], i)
	}
	for _, group := range groups {
		batches = slices.AppendSeq(batches, slices.Chunk(group, r.servers.batch))
	}
	return batches
}

// ask has one server create or complete the login roles of a batch.
func (r *run) ask(ctx context.Context, s Server, batch []*Item) {
	requests := make([]postgres.Request, len(batch))
	for n, i := range batch {
		requests[n], i.standby = i.plan.request(), nil
	}
	if batch[0].plan.how != createRole {
		for n, outcome := range s.BindAll(ctx, requests) {
			r.concludeRole(ctx, s, batch[n], outcome)
		}
		return
	}
	for n, creation := range s.CreateAll(ctx, requests) {
		i := batch[n]
		if unknown := new(postgres.UnknownError); creation.Made || errors.As(creation.Err, &unknown) {
			i.made.Push(r.dropRole(i.plan))
			i.created = i.plan.binding.Role
		}
		if creation.Made {
			i.try = roleTry{i.plan.binding.Role, takeRole}
			i.Report.Step("role %s created in pod/%s", i.plan.binding.Role, i.plan.database.Pod.Name)
		}
		r.concludeRole(ctx, s, i, creation.Outcome)
	}
}

// concludeRole sorts out what became of a login role: it works, the item has failed, or another writer was there. The kind of an error says
// so, never its wording, or the role's metadata, which name the run that last set the password.
func (r *run) concludeRole(ctx context.Context, s Server, i *Item, o postgres.Outcome) {
	role := i.plan.binding.Role
	if o.Result != nil {
		i.did = append(i.did, o.Result.Did...)
	}
	login := (*postgres.LoginError)(nil)
	switch err := i.plan.inDatabase(o.Err); {
	case err == nil:
		if i.result == nil {
			r.Progress.Verified(i)
		}
		i.result, i.asked = o.Result, i.plan.request()
	case errors.Is(err, postgres.ErrStandby):
		i.standby = err
	case errors.Is(err, postgres.ErrExists):
		i.try = roleTry{role, takeRole}
		i.again(err)
	case errors.Is(err, postgres.ErrIncomplete):
		i.try = roleTry{role, createRole}
		i.again(err)
	case errors.As(err, &login) && i.plan.how == keepRole:
		i.Report.Warn("role %q does not take the password of secret/%s, so it is set again", role, i.plan.secret.name)
		i.try = roleTry{role, takeRole}
		i.again(err)
	case errors.As(err, &login) && lastRun(ctx, s, role, i.run) != i.run:
		i.again(err)
	default:
		i.fail(err)
	}
}

// lastRun is the run that last set the role's password; ours where that is not known.
func lastRun(ctx context.Context, s Server, role, ours string) string {
	last, err := s.LastRun(ctx, role)
	if err != nil {
		return ours
	}
	return last
}

// onStandby returns the items that go on with another candidate. Without one, the Pods are read again once: another one may be the primary by
// now.
func onStandby(items []*Item) (next []*Item) {
	for _, i := range items {
		if i.standby == nil {
			continue
		}
		others := i.plan.others
		switch {
		case len(others) > 0:
			i.Report.Step("pod/%s is a standby: going on with pod/%s", i.plan.database.Pod.Name, others[0].Pod.Name)
			i.plan = i.plan.on(others[0])
			i.plan.others = others[1:]
			next = append(next, i)
		case i.stale || i.Options.Postgres.Kind == target.KindPod:
			i.fail(i.standby)
		default:
			i.stale = true
			i.again(i.standby)
		}
	}
	return next
}

// dropRole rolls back a login role that this run created, unless another run has taken it over.
func (r *run) dropRole(p *Plan) undo.Step {
	d, role := p.database, p.binding.Role
	return undo.Step{
		What: "role " + role,
		How:  fmt.Sprintf("kubectl exec -n %s %s -- dropuser --username=%s -- %s", d.Pod.Namespace, d.Pod.Name, p.options.AdminUser, role),
		Do: func(ctx context.Context) (dropped bool, err error) {
			r.servers.with(p, func(s Server) {
				var did []string
				did, err = s.Undo(ctx, p.binding)
				dropped = len(did) > 0
			})
			return dropped, err
		},
	}
}

// dropUnused rolls back what this run created before it learned that the binding has a login role of another generation, or another Secret.
func (r *run) dropUnused(ctx context.Context, i *Item) {
	otherRole := i.created != "" && i.created != i.plan.binding.Role
	otherSecret := i.isNew && i.newSecret != i.plan.secret.name
	if !otherRole && !otherSecret {
		return
	}
	i.rollBack(ctx, r.undoLimit)
	i.isNew = false
}

// inDatabase adds to an error which database it is about.
func (p *Plan) inDatabase(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, postgres.ErrStandby) {
		return fmt.Errorf("pod/%s: %w: name the primary with --postgres", p.database.Pod.Name, err)
	}
	return fmt.Errorf("database %q in pod/%s: %w", p.options.Database, p.database.Pod.Name, err)
}
