package binding

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// roles creates the login roles, grants the privileges of their levels, and verifies their logins. Labels only suggest which server is the
// primary: if a server reports that it is a standby, its items continue with the next candidate.
func (r *run) roles(ctx context.Context, items []*Item) {
	each(items, func(i *Item) { r.dropUnused(ctx, i) })
	items = slices.DeleteFunc(slices.Clone(items), (*Item).isVerified)
	for len(items) > 0 {
		parallel.Each(r.batches(items), -1, func(batch []*Item) {
			r.servers.with(batch[0].plan, func(s Server) { r.bindBatch(ctx, s, batch) })
		})
		items = onStandby(items)
	}
}

// isVerified reports whether an earlier round has done the same request: the item met another writer later.
func (i *Item) isVerified() bool {
	return i.result != nil && reflect.DeepEqual(i.verifiedFor, i.plan.request())
}

// batches divides items into those that share an exec.
func (r *run) batches(items []*Item) (batches [][]*Item) {
	type session struct {
		sessionKey
		creates bool
	}
	for _, group := range parallel.GroupBy(items, func(i *Item) session { return session{sessionKeyOf(i.plan), i.plan.action == createRole} }) {
		batches = slices.AppendSeq(batches, slices.Chunk(group, r.servers.batch))
	}
	return batches
}

// createDatabase creates the database of a batch, if an item requests that, and returns the items that can continue.
func (r *run) createDatabase(ctx context.Context, s Server, batch []*Item) []*Item {
	asks := func(i *Item) bool { return i.plan.spec.CreateDatabase }
	first := slices.IndexFunc(batch, asks)
	if first < 0 {
		return batch
	}
	did, err := s.CreateDatabase(ctx, batch[first].plan.newDatabase())
	if batch[first].did = append(batch[first].did, did...); len(did) > 0 {
		batch[first].Report.Step("database %s created in pod/%s", batch[first].plan.spec.DBName, batch[first].plan.endpoint.Pod.Name)
	}
	if err == nil {
		return batch
	}
	return slices.DeleteFunc(slices.Clone(batch), func(i *Item) bool {
		if i.standby = nil; asks(i) {
			r.handleOutcome(ctx, s, i, postgres.Outcome{Err: err})
		}
		return asks(i)
	})
}

// bindBatch creates or completes the login roles of a batch on one server.
func (r *run) bindBatch(ctx context.Context, s Server, batch []*Item) {
	if batch = r.createDatabase(ctx, s, batch); len(batch) == 0 {
		return
	}
	if batch = r.verifyAdopted(ctx, s, batch); len(batch) == 0 {
		return
	}
	requests := make([]postgres.Request, len(batch))
	for n, i := range batch {
		requests[n], i.standby = i.plan.request(), nil
	}
	if batch[0].plan.action != createRole {
		for n, outcome := range s.BindAll(ctx, requests) {
			r.handleOutcome(ctx, s, batch[n], outcome)
		}
		return
	}
	for n, creation := range s.CreateAll(ctx, requests) {
		i := batch[n]
		if unknown := new(postgres.UnknownError); creation.Made || errors.As(creation.Err, &unknown) {
			i.toRollBack.Push(r.dropRole(i.plan))
			i.created = i.plan.role.Name
		}
		if creation.Made {
			i.decided = roleDecision{i.plan.role.Name, takeRole}
			i.Report.Step("role %s created in pod/%s, database %s, access level %s", i.plan.role.Name, i.plan.endpoint.Pod.Name,
				i.plan.spec.DBName, i.plan.role.Access.Level)
		}
		r.handleOutcome(ctx, s, i, creation.Outcome)
	}
}

// handleOutcome decides how an item continues: its login works, it has failed, or it met another writer. It decides by
// the kind of the error, never by its wording, and by the run in the role's comment, which is the one that last set the
// password.
func (r *run) handleOutcome(ctx context.Context, s Server, i *Item, o postgres.Outcome) {
	role := i.plan.role.Name
	if o.Result != nil {
		i.did = append(i.did, o.Result.Did...)
	}
	login := (*postgres.LoginError)(nil)
	switch err := i.plan.inDatabase(o.Err); {
	case err == nil:
		if i.result == nil {
			r.Progress.Verified(i)
		}
		i.result, i.verifiedFor = o.Result, i.plan.request()
	case errors.Is(err, postgres.ErrStandby):
		i.standby = err
	case i.plan.action == adoptRole:
		i.Fail(i.plan.refuseAdoption(err))
	case errors.Is(err, postgres.ErrExists):
		i.decided = roleDecision{role, takeRole}
		i.retry(err)
	case errors.Is(err, postgres.ErrIncomplete):
		i.decided = roleDecision{role, createRole}
		i.retry(err)
	case errors.As(err, &login) && login.Full > 0: // the password is not the cause
		i.Fail(err)
	case errors.As(err, &login) && i.plan.action == keepRole:
		i.Report.Warn("role %q does not take the password of secret/%s, so it is set again", role, i.plan.secret.name)
		i.decided = roleDecision{role, takeRole}
		i.retry(err)
	case errors.As(err, &login) && lastRun(ctx, s, role, i.run) != i.run:
		i.retry(err)
	default:
		i.Fail(err)
	}
}

// lastRun returns the run that last set the role's password, or ours if that is unknown.
func lastRun(ctx context.Context, s Server, role, ours string) string {
	last, err := s.LastRun(ctx, role)
	if err != nil {
		return ours
	}
	return last
}

// onStandby returns the items that continue with another candidate. If there is none, the Pods are read again in the
// next round, because the primary can have changed. A Pod that the user names for a new binding must be the primary. An
// existing binding stays with its server, whichever Pod is the primary now.
func onStandby(items []*Item) (next []*Item) {
	for _, i := range items {
		if i.standby == nil {
			continue
		}
		others := i.plan.others
		switch {
		case len(others) > 0:
			i.Report.Step("pod/%s is a standby: continuing with pod/%s", i.plan.endpoint.Pod.Name, others[0].Pod.Name)
			i.plan = i.plan.withEndpoint(others[0])
			i.plan.others = others[1:]
			next = append(next, i)
		case i.plan.server.Kind == server.KindPod && i.plan.secret.existing == nil:
			i.Fail(i.standby)
		default:
			i.stale = true
			i.retry(server.NoPrimary(i.plan.server, postgres.ErrStandby))
		}
	}
	return next
}

// dropRole rolls back a login role that this run created, unless another run has taken it over.
func (r *run) dropRole(p *Plan) rollback.Step {
	e, role := p.endpoint, p.role.Name
	return rollback.Step{
		What: "role " + role,
		How:  fmt.Sprintf("kubectl exec -n %s %s -- dropuser --username=%s -- %s", e.Pod.Namespace, e.Pod.Name, p.spec.AdminUser, role),
		Do: func(ctx context.Context) (dropped bool, err error) {
			r.servers.with(p, func(s Server) {
				var did []string
				did, err = s.Undo(ctx, p.role)
				dropped = len(did) > 0
			})
			return dropped, err
		},
	}
}

// dropUnused rolls back what this run created if the binding turned out to have a login role of another generation, or another Secret.
func (r *run) dropUnused(ctx context.Context, i *Item) {
	otherRole := i.created != "" && i.created != i.plan.role.Name
	otherSecret := i.isNew && i.newSecret != i.plan.secret.name
	if !otherRole && !otherSecret {
		return
	}
	i.rollBack(ctx, r.undoLimit)
	i.isNew = false
}

// inDatabase adds the database to an error.
func (p *Plan) inDatabase(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, postgres.ErrStandby) {
		return fmt.Errorf("pod/%s: %w: name the primary, or its Service, with --postgres", p.endpoint.Pod.Name, err)
	}
	var missing *postgres.NoDatabaseError
	if errors.As(err, &missing) {
		err = fmt.Errorf("%w: choose one with --dbname, or create it with --create-database", err)
	}
	err = fmt.Errorf("database %q in pod/%s: %w", p.spec.DBName, p.endpoint.Pod.Name, err)
	if login := (*postgres.LoginError)(nil); errors.As(err, &login) && p.endpoint.HostReachesReplicas {
		return fmt.Errorf(
			"%w; service/%s also leads to replicas, which can be without the role yet: name the primary's Service with --postgres or --host",
			err,
			p.endpoint.Service,
		)
	}
	return err
}
