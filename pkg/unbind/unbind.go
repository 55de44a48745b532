// Package unbind removes a binding: the reference, the login role and the Secret. It keeps the data that the workload created in the
// database. It contains no command line and no SQL.
package unbind

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads. *workload.Client implements it.
type Workloads interface {
	Users(ctx context.Context, namespace, secret string) ([]*workload.Workload, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error,
		dryRun bool) (*workload.Workload, bool, error)
	Reread(ctx context.Context, w *workload.Workload) (*workload.Workload, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	WaitOutdatedGone(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitSecretUnused(ctx context.Context, namespace, secret string, progress func(string)) error
}

// Roles drops roles on one server. *postgres.Server implements it.
type Roles interface {
	retire.Roles
	Rename(ctx context.Context, owner postgres.Owner, role, name string) error
	Purge(ctx context.Context, access string) (did []string, stays bool, err error)
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Unbinder removes bindings.
type Unbinder struct {
	Workloads Workloads
	Databases Databases
	Roles     func(d *target.Database, database string) Roles
	Kube      kubernetes.Interface
	Report    report.Reporter
}

// binding is the binding to remove.
type binding struct {
	lookup.Binding
	options Options
	roles   Roles // nil: abandoned
	held    *postgres.Holdings
}

// Unbind removes the binding of n, in an order in which no running Pod loses its login: first the reference and the Pods that use it, then
// the sessions, the role, and last the Secret, from which the next run continues if this one is interrupted. It is not an error if nothing
// is bound. Before it changes anything, it refuses if data would be lost or if another workload would fail.
func (u *Unbinder) Unbind(ctx context.Context, n Subject, o Options) error {
	found, err := lookup.Find(ctx, u.Kube, n, lookup.Filter{Secret: o.Secret, Database: o.Database})
	if err != nil {
		return err
	}
	if found == nil {
		u.Report.Step("nothing is bound to %s", n.Name)
		u.Report.Done(n.Name, "unchanged")
		return nil
	}
	b := &binding{Binding: *found, options: o}
	if err := u.refuse(ctx, b); err != nil {
		return err
	}
	if err := u.survey(ctx, b); err != nil {
		return err
	}
	if o.DryRun != cmdutil.DryRunNone {
		return u.show(b)
	}
	if err := u.removeBinding(ctx, b); err != nil {
		return fmt.Errorf("%w (completed steps are kept: run the same command again to continue)", err)
	}
	return nil
}

// removeBinding runs the steps. Each step can be repeated and works after any of the others.
func (u *Unbinder) removeBinding(ctx context.Context, b *binding) error {
	if err := u.withdraw(ctx, b); err != nil {
		return err
	}
	if err := u.drain(ctx, b); err != nil {
		return err
	}
	if err := u.dropLogin(ctx, b); err != nil {
		return err
	}
	return u.forget(ctx, b)
}
