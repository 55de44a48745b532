// Package bind gives a workload its own login role in a database. It tells the story of a binding, step by step, and what is undone
// when a step fails; it knows no command line and no SQL.
package bind

import (
	"context"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads; *workload.Client does.
type Workloads interface {
	TopOwner(ctx context.Context, w *workload.Workload) (string, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Reread(ctx context.Context, w *workload.Workload) (*workload.Workload, error)
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Find(ctx context.Context, ref target.Ref, choice target.Choice) (*target.Database, error)
}

// Roles makes, proves and drops login roles on one server; *postgres.Server does.
type Roles interface {
	CreateUser(ctx context.Context, role string) (exists bool, err error)
	Bind(ctx context.Context, b postgres.Binding, l postgres.Login) (*postgres.Result, error)
	Undo(ctx context.Context, b postgres.Binding) ([]string, error)
}

// Binder makes bindings.
type Binder struct {
	Workloads Workloads
	Databases Databases
	Roles     func(*target.Database, Options) Roles
	Kube      kubernetes.Interface
	Report    Reporter
	// Bound hears each binding that is made, or was already.
	Bound func(*v1alpha1.Binding)
}

// Bind gives w a login role of its own, proves the login, hands it over as a Secret and refers to the Secret from the pod template.
// Said twice it changes nothing. Until the API server has accepted the reference, an error, the end of ctx too, undoes in reverse
// order what this run made. After that the binding stays, and an error is a *RolloutError.
func (b *Binder) Bind(ctx context.Context, w *workload.Workload, o Options) error {
	p, err := b.plan(ctx, w, o)
	if err != nil {
		return err
	}
	if o.DryRun != DryRunNone {
		return b.show(p)
	}
	undo := &undoStack{report: b.Report}
	bound, changed, err := b.make(ctx, p, undo)
	if err != nil {
		return undo.run(ctx, err)
	}
	// Not before: what is undone is no result.
	b.Report.Done("secret/"+p.secret.name, p.secret.outcome())
	b.Report.Done(w.String(), outcome(changed, "bound"))
	b.Bound(p.written())
	if !changed {
		return nil
	}
	b.note(ctx, p)
	return b.follow(ctx, bound, p)
}

// outcome is the verb of a result, as kubectl says it.
func outcome(changed bool, verb string) string {
	if changed {
		return verb
	}
	return "unchanged"
}

// outcome is what became of the Secret.
func (s slot) outcome() string {
	if s.created {
		return "created"
	}
	return outcome(s.remarked, "configured")
}

// make writes, in this order: the role with what it may do, proved by a login; the Secret; the reference to it.
func (b *Binder) make(ctx context.Context, p *plan, undo *undoStack) (bound *workload.Workload, changed bool, err error) {
	result, err := b.role(ctx, p, undo)
	if err != nil {
		return nil, false, err
	}
	p.result = result
	b.explain(p, result)
	if err := b.secret(ctx, p, result.Host, undo); err != nil {
		return nil, false, err
	}
	return b.refer(ctx, p)
}

// follow waits until the Pods have the Secret's values, or tells how they get them.
func (b *Binder) follow(ctx context.Context, w *workload.Workload, p *plan) error {
	o := p.options.Rollout
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	progress := func(line string) { b.Report.Step("%s", line) }
	wait := func() error { return b.Workloads.WaitRollout(ctx, w, progress) }
	switch rollout := w.Rollout(); {
	case rollout.Kind == workload.ReplacePods && o.Restart && !w.IsPod():
		wait = func() error { return b.Workloads.Restart(ctx, w, p.secret.name, progress) }
	case rollout.Kind != workload.Followed && !w.IsPod():
		progress(rollout.Message)
		return nil
	case !o.Wait:
		return nil
	}
	if err := wait(); err != nil {
		return &RolloutError{Workload: w.String(), Namespace: w.Namespace(), Err: err}
	}
	return nil
}
