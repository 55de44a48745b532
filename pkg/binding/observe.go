package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// observe reads the state that the items depend on, and plans them. It writes nothing: it sends Secrets and changes of workloads as a dry
// run, and asks for the permissions of the other writes, so that missing permissions, admission and quotas fail before the first write.
func (r *run) observe(ctx context.Context, items []*Item) {
	r.readWorkloads(ctx, items)
	each(phases.Open(items), func(i *Item) {
		if err := r.check(ctx, i); err != nil {
			i.Fail(err)
		}
	})
	r.findEndpoints(ctx, phases.Open(items))
	refuseServers(phases.Open(items))
	r.assignNames(ctx, phases.Open(items))
	each(phases.Open(items), func(i *Item) {
		plan, err := r.plan(ctx, i)
		if err != nil {
			i.observed = true
			r.failOrRetry(ctx, i, err)
			return
		}
		i.plan, i.secret, i.observed = plan, plan.secret.existing, true
	})
	r.dryRun(ctx, phases.Open(items))
	r.requirePermissions(ctx, phases.Open(items))
	r.readNamespaces(ctx, phases.Open(items))
}

// collection is the workloads of one kind in a namespace.
type collection struct{ namespace, kind string }

func collectionOf(i *Item) collection {
	kind, _, _ := strings.Cut(workload.FullName(i.Spec.Workload), "/")
	return collection{i.Document.Namespace, kind}
}

// readWorkloads reads the workloads of new items, and again those of items that met another writer.
func (r *run) readWorkloads(ctx context.Context, items []*Item) {
	missing := slices.DeleteFunc(slices.Clone(items), func(i *Item) bool { return i.Workload != nil })
	eachGroup(missing, collectionOf, func(of collection, group []*Item) {
		if t, known := workload.TypeFor(of.kind); known && len(group) >= workload.ListThreshold {
			r.listWorkloads(ctx, t, group)
		}
	})
	each(phases.Open(items), func(i *Item) {
		var err error
		switch {
		case i.Workload == nil:
			var read []*workload.Workload
			if read, err = r.Workloads.Get(ctx, i.Document.Namespace, []string{i.Spec.Workload}); err == nil {
				i.Workload = read[0]
			}
		case i.observed:
			var current *workload.Workload
			if current, err = r.Workloads.Reread(ctx, i.Workload); err == nil {
				i.Workload = current
			}
		}
		if err != nil {
			i.Fail(err)
		}
	})
}

// listWorkloads reads all workloads of a kind for the items of one namespace. If that is forbidden, they are read one by one.
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
			i.Fail(err)
			continue
		}
		i.Workload = byName[workload.FullName(i.Spec.Workload)]
	}
}

// readValues reads the values that a file refers to, once.
func (r *run) readValues(ctx context.Context, i *Item) (err error) {
	if i.Document == nil || i.valuesRead {
		return nil
	}
	sources, _ := SourcesOf(i.Spec) // NewItems has validated them
	i.Options.Values, err = sources.Read(ctx, &secret.Reader{Kube: r.Kube}, i.spec().PostgresNamespace, i.namespace())
	i.valuesRead = err == nil
	return err
}

// check refuses what cannot work, and reads the values that a file refers to.
func (r *run) check(ctx context.Context, i *Item) error {
	if i.observed {
		return nil
	}
	if err := r.readValues(ctx, i); err != nil {
		return err
	}
	if err := checkLogin(i.Report, i.Spec.Username, i.Options.Values.Password); err != nil {
		return err
	}
	top, err := r.Workloads.TopOwner(ctx, i.Workload)
	if err != nil {
		return fmt.Errorf("find the owner of %s: %w", i.Workload, err)
	}
	if top != "" {
		return fmt.Errorf("%s is controlled by %s, which would put it back: bind %s instead", i.Workload, top, top)
	}
	if path := i.Spec.TemplatePath; path != "" {
		if err := i.Workload.UseTemplate(path); err != nil {
			return err
		}
	}
	if i.Spec.Inject == string(workload.InjectNone) && !i.Workload.HasTemplate() {
		return nil
	}
	if err := i.Workload.CheckTemplate(); err != nil {
		return err
	}
	if i.containers, err = r.containers(i); err != nil {
		return fmt.Errorf("%s: %w", i.Workload, err)
	}
	return nil
}

// containers returns the containers that use the Secret: an owner container, or others than those.
func (r *run) containers(i *Item) ([]string, error) {
	if i.Spec.IsOwner() {
		return workload.Containers(i.Workload.Template(), []string{i.Spec.OwnerContainer})
	}
	bound := secret.OwnerContainers(i.Workload.Annotations(), i.spec().DBName)
	return workload.Containers(i.Workload.Template(), i.Spec.Containers, append(bound, r.owners[subjectOf(i)]...)...)
}

// subject is a workload's access to a database, which two bindings can share.
type subject struct{ namespace, workload, database string }

func subjectOf(i *Item) subject {
	return subject{i.namespace(), workload.FullName(i.Name()), i.spec().DBName}
}

// ownerContainers returns the owner containers of items.
func ownerContainers(items []*Item) map[subject][]string {
	found := map[subject][]string{}
	for _, i := range items {
		if i.Spec.IsOwner() {
			found[subjectOf(i)] = append(found[subjectOf(i)], i.Spec.OwnerContainer)
		}
	}
	return found
}

// findEndpoints finds each server once for all items that name it.
func (r *run) findEndpoints(ctx context.Context, items []*Item) {
	type wanted struct {
		ref    server.Ref
		choice server.Choice
	}
	missing := slices.DeleteFunc(slices.Clone(items), func(i *Item) bool { return i.candidates != nil && !i.stale })
	if slices.ContainsFunc(missing, func(i *Item) bool { return i.stale }) {
		parallel.Pause(ctx, r.AwaitPrimary)
	}
	eachGroup(missing, func(i *Item) wanted { return wanted{i.ref(), i.choice()} }, func(key wanted, of []*Item) {
		candidates, err := r.Endpoints.Candidates(ctx, key.ref, key.choice)
		for _, i := range of {
			if i.candidates = candidates; err != nil {
				i.Fail(errors.Join(i.standby, err))
			}
		}
	})
}

// choice returns the choice of the server. In a later round, it includes the other Pods of a server that was found to be a standby.
func (i *Item) choice() server.Choice {
	choice := server.ChoiceOf(i.Spec)
	if i.stale && len(i.candidates) > 0 {
		choice.Location = i.candidates[0].Location
	}
	return choice
}

// refuseServers refuses workloads that run the server themselves, before they get the name of a Secret.
func refuseServers(items []*Item) {
	for _, i := range items {
		if endpoint := i.candidates[0]; endpoint.RunBy(i.Workload.UID()) {
			i.Fail(
				fmt.Errorf("%s runs the database pod/%s itself: bind the workload that uses the database", i.Workload, endpoint.Pod.Name),
			)
		}
	}
}

// readNamespaces reads the UIDs of namespaces for the comments of roles. Items that write no comment do not need them.
func (r *run) readNamespaces(ctx context.Context, items []*Item) {
	read := map[string]func() (string, error){}
	for _, i := range items {
		name := i.namespace()
		if read[name] == nil {
			read[name] = sync.OnceValues(func() (string, error) { return secret.NamespaceUID(ctx, r.Kube, name) })
		}
	}
	each(items, func(i *Item) {
		if i.plan.action == keepRole && i.Options.DryRun == cmdutil.DryRunNone {
			return
		}
		uid, err := read[i.namespace()]()
		if err != nil {
			i.Fail(err)
			return
		}
		i.plan.role.Owner.NamespaceUID = uid
	})
}
