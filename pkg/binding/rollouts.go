package binding

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/event"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// RolloutError reports that the binding exists but that its rollout has not completed.
type RolloutError struct {
	Workload, Namespace string
	// Next is the command that continues to wait.
	Next string
	Err  error
}

func (e *RolloutError) Error() string {
	return fmt.Sprintf(
		"%s is bound, but its Pods were not seen to be ready: %v; continue with: %s; or roll back with: kubectl pgbind unbind %s -n %s",
		e.Workload, e.Err, e.Next, e.Workload, e.Namespace,
	)
}

func (e *RolloutError) Unwrap() error { return e.Err }

// follow waits until the Pods of the items use the Secrets.
func (r *run) follow(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		if err := r.rollout(ctx, i); err != nil {
			i.Fail(err)
			r.events(i).Warning(ctx, i.Workload, event.BindFailed, err)
		}
		r.finish(i)
	})
}

// rollout waits until the Pods use the Secret, or reports how they will.
func (r *run) rollout(ctx context.Context, i *Item) error {
	o, w := i.Options, i.Workload
	progress := func(line string) { i.Report.Step("%s", line) }
	ctx, cancel := workload.Limit(ctx, o.Timeout)
	defer cancel()
	switch rollout := w.Rollout(); {
	case rollout.Kind == workload.ReplacePods && o.Restart:
		return unready(ctx, w, r.Workloads.Restart(ctx, w, i.plan.secret.name, progress))
	case !i.changed:
	case rollout.Kind == workload.ReplacePods:
		progress(rollout.Message + r.outdated(ctx, i))
	case rollout.Kind != workload.Followed:
		progress(rollout.Message)
	case o.Wait:
		if err := r.Workloads.WaitRollout(ctx, w, progress); err != nil {
			return unready(ctx, w, err)
		}
		i.Report.Step("next: kubectl pgbind psql %s -n %s", w, w.Namespace())
	default:
		i.Report.Step("next: %s", w.StatusCommand())
	}
	return nil
}

// outdated names the Pods that run without the Secret. The message is true without them, so that an error is ignored.
func (r *run) outdated(ctx context.Context, i *Item) string {
	pods, err := r.Workloads.OutdatedPods(ctx, i.Workload, i.plan.secret.name)
	if err != nil || len(pods) == 0 {
		return ""
	}
	var names []string
	for _, pod := range pods {
		names = append(names, "pod/"+pod.Name)
	}
	return "; to be replaced: " + strings.Join(names, ", ")
}

// unready adds to an error of waiting how to continue.
func unready(ctx context.Context, w *workload.Workload, err error) error {
	if err == nil {
		return nil
	}
	next := w.StatusCommand()
	switch {
	case w.IsPod():
		next = fmt.Sprintf("kubectl wait --for=condition=Ready %s -n %s", w, w.Namespace())
	case w.Rollout().Kind == workload.ReplacePods:
		next = "the same command, which replaces the Pods that are left"
	}
	return &RolloutError{Workload: w.String(), Namespace: w.Namespace(), Next: next, Err: workload.InTime(ctx, err)}
}
