package fix

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads restarts workloads. *workload.Client implements it.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
	StalePods(ctx context.Context, w *workload.Workload, secret string, changed time.Time) ([]*corev1.Pod, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	Replace(ctx context.Context, w *workload.Workload, pods []*corev1.Pod, progress func(string)) error
}

// Fixer runs plans.
type Fixer struct {
	Kube      kubernetes.Interface
	Workloads Workloads
	Report    report.Reporter

	// Bind, Rotate and Remove run a pipeline, each for many bindings at once. Bind reports the failures of its items itself.
	Bind   func(ctx context.Context, items []*binding.Item) error
	Rotate func(ctx context.Context, bindings []*inventory.Binding) error
	Remove func(ctx context.Context, found check.Findings) error

	Options binding.Options
}

// Run runs the steps of a plan: first what gives an application its login back. It continues after an error, and returns all of them. Which
// findings are fixed, the next check finds out.
func (f *Fixer) Run(ctx context.Context, p *Plan) error {
	var errs []error
	for _, run := range []func(context.Context, *Plan) error{f.bind, f.restart, f.rotate, f.remove} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		errs = append(errs, run(ctx, p))
	}
	return utilerrors.Flatten(utilerrors.NewAggregate(errs))
}

// bind binds again, in one run of the pipeline. A Secret that is created again is deleted before.
func (f *Fixer) bind(ctx context.Context, p *Plan) error {
	steps := p.Only(check.Bind, check.Recreate)
	failed := make([]error, len(steps))
	parallel.Each(indices(steps), atOnce, func(n int) {
		if steps[n].Action == check.Recreate {
			failed[n] = f.deleteSecret(ctx, steps[n].Findings[0])
		}
	})
	var items []*binding.Item
	for n, s := range steps {
		if failed[n] == nil {
			items = append(items, binding.NewRepair(s.Findings[0].Namespace, s.Spec, f.Options))
		}
	}
	if len(items) > 0 {
		failed = append(failed, f.Bind(ctx, items))
	}
	return utilerrors.NewAggregate(failed)
}

// deleteSecret deletes the Secret of a binding, and no other.
func (f *Fixer) deleteSecret(ctx context.Context, of check.Finding) error {
	b, err := inventory.Read(ctx, f.Kube, of.Namespace, of.Secret)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if b.Marks.ID != of.ID {
		return fmt.Errorf("secret/%s in namespace %s belongs to another binding by now: run the command again", of.Secret, of.Namespace)
	}
	same := &metav1.Preconditions{UID: &b.Secret.UID, ResourceVersion: &b.Secret.ResourceVersion}
	if err := f.Kube.CoreV1().Secrets(of.Namespace).Delete(ctx, of.Secret, metav1.DeleteOptions{Preconditions: same}); err != nil {
		return fmt.Errorf("delete secret/%s in namespace %s: %w", of.Secret, of.Namespace, err)
	}
	f.Report.Done("secret/"+of.Secret, "deleted")
	return nil
}

// restart replaces Pods that started with other values than the Secret's.
func (f *Fixer) restart(ctx context.Context, p *Plan) error {
	return each(p.Only(check.Restart), func(s Step) error {
		ctx, cancel := workload.Limit(ctx, f.Options.Timeout)
		defer cancel()
		err := workload.InTime(ctx, f.restartStale(ctx, s.Findings[0]))
		if err != nil {
			err = workload.About(s.Findings[0].Workload, s.Findings[0].Namespace, err)
		}
		return err
	})
}

// restartStale restarts a workload, unless a bind of the same run has replaced the Pods.
func (f *Fixer) restartStale(ctx context.Context, of check.Finding) error {
	b, err := inventory.Read(ctx, f.Kube, of.Namespace, of.Secret)
	if err != nil {
		return err
	}
	found, err := f.Workloads.Get(ctx, of.Namespace, []string{of.Workload})
	if err != nil {
		return err
	}
	w := found[0]
	stale, err := f.Workloads.StalePods(ctx, w, of.Secret, b.Marks.RotatedAt())
	if err != nil || len(stale) == 0 {
		return err
	}
	progress := func(line string) { f.Report.Step("%s", line) }
	if w.Rollout().Kind == workload.ReplacePods {
		err = f.Workloads.Replace(ctx, w, stale, progress)
	} else {
		var changed *workload.Workload
		restart := func(w *workload.Workload) error { w.RequestRestart(time.Now()); return nil }
		if changed, _, err = f.Workloads.Patch(
			ctx, w.As(b.FieldManager(f.Options.FieldManager), b.Marks.FieldManager), restart, false,
		); err == nil {
			err = f.Workloads.WaitRollout(ctx, changed, progress)
		}
	}
	if err == nil {
		f.Report.Done(w.String(), "restarted")
	}
	return err
}

// rotate replaces the logins of which an earlier generation is left.
func (f *Fixer) rotate(ctx context.Context, p *Plan) error {
	var bindings []*inventory.Binding
	var errs []error
	for _, s := range p.Only(check.Rotate) {
		b, err := inventory.Read(ctx, f.Kube, s.Findings[0].Namespace, s.Findings[0].Secret)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bindings = append(bindings, b)
	}
	if len(bindings) > 0 {
		errs = append(errs, f.Rotate(ctx, bindings))
	}
	return utilerrors.NewAggregate(errs)
}

// remove removes expired and orphaned bindings and roles.
func (f *Fixer) remove(ctx context.Context, p *Plan) error {
	var found check.Findings
	for _, s := range p.Only(check.Remove) {
		found = append(found, s.Findings...)
	}
	if len(found) == 0 {
		return nil
	}
	return f.Remove(ctx, found)
}

// atOnce limits how many requests to the API server run at once.
const atOnce = 50

// each calls do for all steps, many at once.
func each(steps []Step, do func(Step) error) error {
	errs := make([]error, len(steps))
	parallel.Each(indices(steps), atOnce, func(n int) { errs[n] = do(steps[n]) })
	return utilerrors.NewAggregate(errs)
}

func indices(steps []Step) []int {
	all := make([]int, len(steps))
	for n := range steps {
		all[n] = n
	}
	return all
}
