// Package unbind removes bindings: the reference, the login role and the Secret of each. It keeps the data that the workload created in the
// database. It contains no command line and no SQL.
package unbind

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/event"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads. *workload.Client implements it.
type Workloads interface {
	Lists
	LookupAll(ctx context.Context, namespace string, names []string) []*workload.Named
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error,
		dryRun bool) (*workload.Workload, bool, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
}

// Lists reads what uses a Secret. A snapshot of a *workload.Client lists each kind only once.
type Lists interface {
	Users(ctx context.Context, namespace, secret string) ([]*workload.Workload, error)
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	Outdated(ctx context.Context, w *workload.Workload, secret string) (names string, err error)
	Using(ctx context.Context, namespace, secret string) (names string, err error)
}

// Roles drops roles on one server. *postgres.Server implements it.
type Roles interface {
	droprole.Roles
	Rename(ctx context.Context, names []postgres.NewName) []postgres.Change
	Purge(ctx context.Context, roles []string) []postgres.Purged
	CheckDatabase(ctx context.Context, name string, o postgres.Owner) error
	DropDatabase(ctx context.Context, name string, o postgres.Owner) (did []string, err error)
}

// Endpoints finds the Pods of a server that can be the primary. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Unbinder removes bindings.
type Unbinder struct {
	Workloads Workloads
	Snapshot  func() Lists // of Workloads, for many items
	Endpoints Endpoints
	Roles     func(e *server.Endpoint, b *inventory.Binding) Roles
	Kube      kubernetes.Interface
	Report    report.Reporter
}

// run is one run over all items.
type run struct {
	*Unbinder
	options Options
}

// Unbind removes the bindings of the items, in an order in which no running Pod loses its login: first the references
// and the Pods that use them, then the sessions, the roles, and last the Secrets, from which the next run continues if
// this one is interrupted. It is not an error if nothing is bound. Before it changes anything of an item, it refuses if
// data would be lost or if another workload would fail. An item that fails does not stop the others: the errors of all
// items are returned, each with the name of its workload.
func (u *Unbinder) Unbind(ctx context.Context, items []*Item, o Options) error {
	r := &run{u, o}
	items = r.observe(ctx, items)
	if o.DryRun == cmdutil.DryRunNone {
		r.execute(ctx, phases.Open(items))
	} else {
		for _, i := range phases.Open(items) {
			i.Fail(r.show(i))
		}
	}
	var errs []error
	for _, i := range items {
		if i.Err != nil {
			errs = append(errs, workload.About(i.Name, i.Namespace, i.Err))
		}
	}
	return utilerrors.NewAggregate(errs)
}

// execute runs the steps for all items. Each step can be repeated and works after any of the others.
func (r *run) execute(ctx context.Context, items []*Item) {
	each(items, func(i *Item) { i.Fail(r.removeReference(ctx, i)) })
	r.awaitPods(ctx, phases.Open(items))
	r.dropLogins(ctx, phases.Open(items))
	each(phases.Open(items), func(i *Item) { i.Fail(r.removeAnnotation(ctx, i)) })
	for _, i := range items {
		if i.Err != nil {
			i.Err = fmt.Errorf("%w (completed steps are kept: run the same command again to continue)", i.Err)
		}
	}
	each(items, func(i *Item) { r.record(ctx, i) })
}

// record records the end of an item in an Event about its workload. The unbind is complete without it.
func (r *run) record(ctx context.Context, i *Item) {
	events := event.Recorder{Kube: r.Kube, Report: r.Report}
	if i.Err != nil {
		events.Warning(ctx, i.Workload, event.UnbindFailed, i.Err)
		return
	}
	events.Normal(ctx, i.Workload, event.Unbound, fmt.Sprintf(
		"No longer bound to database %q as role %s by secret/%s", i.Marks.DBName, i.Marks.Role, i.SecretName,
	))
}
