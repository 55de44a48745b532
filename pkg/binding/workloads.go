package binding

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/event"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// workloads adds the references to the Secrets to the workloads.
func (r *run) workloads(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		bound, changed, err := r.patchWorkload(ctx, i)
		if err != nil {
			r.failOrRetry(ctx, i, err)
			return
		}
		i.Workload, i.changed, i.accepted = bound, i.changed || changed, true
		if gone, err := r.secretIsGone(ctx, i, changed); err != nil {
			i.Fail(err)
		} else if gone != nil {
			i.decided = roleDecision{i.plan.role.Name, takeRole}
			i.retry(gone)
			return
		}
		if i.Err == nil {
			r.reportBound(ctx, i)
		}
	})
}

// failOrRetry fails an item, unless its workload was bound or got other variables meanwhile: a patch of an earlier run can
// arrive after that run has ended. Then stop rolls back what this run created, and the item starts again with the
// present state.
func (r *run) failOrRetry(ctx context.Context, i *Item, err error) {
	i.Fail(err)
	if !errors.Is(err, errBoundMeanwhile) && !errors.Is(err, errReplacedMeanwhile) {
		return
	}
	i.rollBack(ctx, r.undoLimit)
	i.Err, i.Outcome, i.run, i.password, i.decided = nil, "", "", "", roleDecision{}
	i.isNew, i.extended = false, false
	i.retry(err)
}

// reportBound reports a completed binding.
func (r *run) reportBound(ctx context.Context, i *Item) {
	if i.changed {
		r.events(i).Normal(ctx, i.Workload, event.Bound, fmt.Sprintf(
			"Bound to database %q as role %s by secret/%s", i.plan.spec.DBName, i.plan.role.Name, i.plan.secret.name,
		))
	}
	i.explainLogin()
	i.Outcome, i.Binding = i.outcome(), i.plan.object(i.result)
	secret := "unchanged"
	switch {
	case i.isNew:
		secret = "created"
	case i.extended:
		secret = "configured"
	}
	i.Report.Done("secret/"+i.plan.secret.name, secret)
	i.Report.Done(i.Workload.String(), verb(i.changed, "bound"))
	if i.renamed && i.plan.reference().Present(i.plan.workload.Template()) &&
		workload.ReadsOnce(&i.plan.workload.Template().Spec, i.plan.secret.name) {
		i.Report.Warn(
			"the Pods of %s get the new variables when they restart: kubectl rollout restart %[1]s -n %s", i.Workload,
			i.namespace(),
		)
	}
	r.Progress.Bound(i)
}

// events records Events about the workload of an item.
func (r *run) events(i *Item) event.Recorder { return event.Recorder{Kube: r.Kube, Report: i.Report} }

// verb returns the verb for an object that was changed, or "unchanged", like kubectl.
func verb(changed bool, verb string) string {
	if changed {
		return verb
	}
	return "unchanged"
}

// secretIsGone reports whether another run rolled back the Secret that this one uses.
func (r *run) secretIsGone(ctx context.Context, i *Item, changed bool) (gone, err error) {
	if i.isNew || i.plan.secret.existing == nil || i.plan.noted() && !changed {
		return nil, nil
	}
	_, err = r.readSecret(ctx, i.plan)
	if apierrors.IsNotFound(err) {
		return err, nil
	}
	return nil, err
}

// patchWorkload adds the reference to the workload.
func (r *run) patchWorkload(ctx context.Context, i *Item) (*workload.Workload, bool, error) {
	p := i.plan
	if p.injectsNothing() && p.adopted != nil { // the workload uses the Secret already
		return p.workload, false, nil
	}
	if p.injectsNothing() && !p.workload.HasTemplate() {
		i.Report.Show(p.reference().Entry())
		return p.workload, false, nil
	}
	if p.injectsNothing() {
		text, err := p.patchText()
		if text != "" {
			i.Report.Show(text)
		}
		return p.workload, false, err
	}
	bound, changed, err := r.sendPatch(ctx, p, false)
	if err == nil {
		return bound, changed, nil
	}
	if status := apierrors.APIStatus(nil); !errors.As(err, &status) {
		// The connection broke: the API server can have accepted the patch, and a binding that Pods use must not be rolled back.
		if bound, ok := r.patched(ctx, p); ok {
			return bound, true, nil
		}
	}
	return nil, false, fmt.Errorf("refer to secret/%s from %s: %w", p.secret.name, p.workload, err)
}

// patched reports whether the workload has the reference after all. It reads the workload until the API server responds.
func (r *run) patched(ctx context.Context, p *Plan) (current *workload.Workload, has bool) {
	ctx, cancel := rollback.AfterEnd(ctx, rollback.DefaultLimit)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (_ bool, err error) {
		current, err = r.Workloads.Reread(ctx, p.workload)
		if status := apierrors.APIStatus(nil); err == nil || errors.As(err, &status) {
			return true, err
		}
		return false, nil
	})
	if err != nil {
		return nil, false
	}
	to, err := p.changed(current)
	return current, err == nil && to.Equal(current)
}
