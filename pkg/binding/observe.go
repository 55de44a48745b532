package binding

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// observe reads what the items need to know, and plans them. It writes nothing: Secrets and changes of workloads are sent as a dry run, so
// that permissions, admission and quota refuse now.
func (r *run) observe(ctx context.Context, items []*Item) {
	r.readWorkloads(ctx, items)
	each(open(items), func(i *Item) {
		if err := r.check(ctx, i); err != nil {
			i.fail(err)
		}
	})
	r.findDatabases(ctx, open(items))
	r.assignNames(ctx, open(items))
	each(open(items), func(i *Item) {
		plan, err := r.plan(ctx, i)
		if err != nil {
			i.observed = true
			r.stop(ctx, i, err)
			return
		}
		i.plan, i.secret, i.observed = plan, plan.secret.existing, true
	})
	r.tryAll(ctx, open(items))
	r.readNamespaces(ctx, open(items))
}

// worthListing is how many workloads of a kind are wanted in a namespace before all of that kind are read at once.
const worthListing = 10

// collection is the workloads of one kind in a namespace.
type collection struct{ namespace, kind string }

// readWorkloads reads the workloads of items that have none yet, and those of items that met another writer.
func (r *run) readWorkloads(ctx context.Context, items []*Item) {
	missing := map[collection][]*Item{}
	for _, i := range items {
		if i.Workload == nil {
			kind, _, _ := strings.Cut(workload.FullName(i.Document.Spec.Workload), "/")
			of := collection{i.Document.Namespace, kind}
			missing[of] = append(missing[of], i)
		}
	}
	eachGroup(missing, func(of collection, group []*Item) {
		if t, known := workload.TypeFor(of.kind); known && len(group) >= worthListing {
			r.listWorkloads(ctx, t, group)
		}
	})
	each(open(items), func(i *Item) {
		var err error
		switch {
		case i.Workload == nil:
			var read []*workload.Workload
			if read, err = r.Workloads.Get(ctx, i.Document.Namespace, []string{i.Document.Spec.Workload}); err == nil {
				i.Workload = read[0]
			}
		case i.observed:
			var current *workload.Workload
			if current, err = r.Workloads.Reread(ctx, i.Workload); err == nil {
				i.Workload = current
			}
		}
		if err != nil {
			i.fail(err)
		}
	})
}

// listWorkloads reads all workloads of a kind for items of one namespace; where that is forbidden, they are read one by one.
func (r *run) listWorkloads(ctx context.Context, t workload.Type, items []*Item) {
	all, err := r.Workloads.List(ctx, items[0].Document.Namespace, t)
	if apierrors.IsForbidden(err) {
		return
	}
	byName := map[string]*workload.Workload{}
	for _, w := range all {
		byName[w.String()] = w
	}
	for _, i := range items {
		if err != nil {
			i.fail(err)
			continue
		}
		i.Workload = byName[workload.FullName(i.Document.Spec.Workload)]
	}
}

// check refuses what cannot work, and reads the values that no command line and no file holds.
func (r *run) check(ctx context.Context, i *Item) error {
	if i.observed {
		return nil
	}
	if i.Document != nil {
		if err := i.sources.read(ctx, r.Kube, i.Workload.Namespace(), &i.Options); err != nil {
			return err
		}
	}
	if err := checkLogin(i.Report, i.Options.Login); err != nil {
		return err
	}
	top, err := r.Workloads.TopOwner(ctx, i.Workload)
	if err != nil {
		return fmt.Errorf("find the owner of %s: %w", i.Workload, err)
	}
	if top != "" {
		return fmt.Errorf("%s is controlled by %s, which would put it back: bind %s instead", i.Workload, top, top)
	}
	if i.containers, err = workload.Containers(i.Workload.Template(), i.Options.Reference.Containers); err != nil {
		return fmt.Errorf("%s: %w", i.Workload, err)
	}
	return nil
}

// findDatabases finds each server once for all items that name it.
func (r *run) findDatabases(ctx context.Context, items []*Item) {
	type wanted struct {
		ref    target.Ref
		choice target.Choice
	}
	groups := map[wanted][]*Item{}
	for _, i := range items {
		if i.candidates == nil || i.stale {
			key := wanted{i.Options.Postgres, i.Options.Choice}
			groups[key] = append(groups[key], i)
		}
	}
	eachGroup(groups, func(key wanted, of []*Item) {
		candidates, err := r.Databases.Candidates(ctx, key.ref, key.choice)
		for _, i := range of {
			if i.candidates = candidates; err != nil {
				i.fail(errors.Join(i.standby, err))
			}
		}
	})
}

// readNamespaces completes the metadata of the roles. Only who writes that needs it.
func (r *run) readNamespaces(ctx context.Context, items []*Item) {
	read := map[string]func() (string, error){}
	for _, i := range items {
		name := i.namespace()
		if read[name] == nil {
			read[name] = sync.OnceValues(func() (string, error) { return credentials.NamespaceUID(ctx, r.Kube, name) })
		}
	}
	each(items, func(i *Item) {
		if i.plan.how == keepRole && i.Options.DryRun == cmdutil.DryRunNone {
			return
		}
		uid, err := read[i.namespace()]()
		if err != nil {
			i.fail(err)
			return
		}
		i.plan.binding.Owner.NamespaceUID = uid
	})
}
