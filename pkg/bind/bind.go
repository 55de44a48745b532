// Package bind gives a workload its own login role in a database. It tells the story of a binding, step by step, and what is undone
// when a step fails; it knows no command line and no SQL.
package bind

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads; *workload.Client does.
type Workloads interface {
	TopOwner(ctx context.Context, w *workload.Workload) (string, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Reread(ctx context.Context, w *workload.Workload) (*workload.Workload, error)
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Roles makes, proves and drops login roles on one server; *postgres.Server does.
type Roles interface {
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	Bind(ctx context.Context, b postgres.Binding, l postgres.Login) (*postgres.Result, error)
	Undo(ctx context.Context, b postgres.Binding) ([]string, error)
	LastRun(ctx context.Context, role string) (string, error)
}

// Binder makes bindings.
type Binder struct {
	Workloads Workloads
	Databases Databases
	Roles     func(*target.Database, Options) Roles
	Kube      kubernetes.Interface
	Metadata  metadata.Interface
	Report    Reporter
	// Namespaces tells the UID of a namespace, as NamespaceUID does; nil: the API server is asked.
	Namespaces func(ctx context.Context, name string) (string, error)
	// Trials are those of bindings that are made together; nil: each is tried by itself.
	Trials *Trials
	// Turn waits until the workload may be changed; nil: it may be at once.
	Turn func(context.Context) error
	// UndoLimit is how long it may take to take back what was made; zero: undo.DefaultLimit.
	UndoLimit time.Duration
	// Quiet leaves no Event on the workload.
	Quiet bool
	// Bound hears each binding that is made, or was already.
	Bound func(*v1alpha1.Binding)
}

// Bind gives w a login role of its own, proves the login, hands it over as a Secret and refers to the Secret from the pod template.
// Said twice it changes nothing. Until the API server has accepted the reference, an error, the end of ctx too, undoes in reverse
// order what this run made. After that the binding stays, and an error is a *RolloutError.
func (b *Binder) Bind(ctx context.Context, w *workload.Workload, o Options) error {
	err := b.bind(ctx, w, o)
	for tried := 1; tried < attempts && errors.Is(err, errBoundMeanwhile); tried++ {
		// What an earlier run had sent may arrive when that run is over: this one begins again with what is there now.
		current, readErr := b.Workloads.Reread(ctx, w)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		err = b.bind(ctx, current, o)
	}
	return err
}

// attempts is how often a bind is begun at most.
const attempts = 3

func (b *Binder) bind(ctx context.Context, w *workload.Workload, o Options) error {
	p, err := b.plan(ctx, w, o)
	if err != nil {
		return err
	}
	if o.DryRun != DryRunNone {
		return errors.Join(b.readNamespace(ctx, p), b.show(p))
	}
	made := &undo.Stack{Report: b.Report, Limit: b.UndoLimit}
	bound, changed, err := b.make(ctx, p, made)
	if err != nil {
		return made.Run(ctx, err)
	}
	if changed && !b.Quiet {
		b.note(ctx, bound, p)
	}
	b.verified(p)
	// Not before: what is undone is no result.
	b.Report.Done("secret/"+p.secret.name, p.secret.outcome())
	b.Report.Done(w.String(), outcome(changed, "bound"))
	b.Bound(p.written())
	if err := b.keepSecret(ctx, p, changed); err != nil {
		return err
	}
	return b.follow(ctx, bound, p, changed)
}

// outcome is the verb of a result, as kubectl says it.
func outcome(changed bool, verb string) string {
	if changed {
		return verb
	}
	return "unchanged"
}

// make writes, in this order: the role with what it may do, proved by a login; the Secret; the reference to it.
func (b *Binder) make(ctx context.Context, p *plan, made *undo.Stack) (bound *workload.Workload, changed bool, err error) {
	if err := b.settle(ctx, p, made); err != nil {
		return nil, false, err
	}
	if err := b.serviceBinding(ctx, p, made); err != nil {
		return nil, false, err
	}
	return b.refer(ctx, p)
}
