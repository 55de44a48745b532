package binding

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// workloads refers to the Secrets from the pod templates.
func (r *run) workloads(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		bound, changed, err := r.refer(ctx, i)
		if err != nil {
			r.stop(ctx, i, err)
			return
		}
		i.Workload, i.changed, i.accepted = bound, i.changed || changed, true
		if gone, err := r.secretIsGone(ctx, i, changed); err != nil {
			i.fail(err)
		} else if gone != nil {
			i.try = roleTry{i.plan.binding.Role, takeRole}
			i.again(gone)
			return
		}
		if i.Err == nil {
			r.conclude(ctx, i)
		}
	})
}

// stop ends an item, unless its workload was bound meanwhile: what an earlier run had sent may arrive when that run is over. Then what this one
// created is rolled back, and it begins again with what is there now.
func (r *run) stop(ctx context.Context, i *Item, err error) {
	i.fail(err)
	if !errors.Is(err, errBoundMeanwhile) {
		return
	}
	i.rollBack(ctx, r.undoLimit)
	i.Err, i.Outcome, i.run, i.password, i.try = nil, "", "", "", roleTry{}
	i.isNew, i.extended = false, false
	i.again(err)
}

// conclude reports a binding that is made.
func (r *run) conclude(ctx context.Context, i *Item) {
	if i.changed && len(r.items) == 1 { // many Events at once would drive out those that matter
		r.leaveEvent(ctx, i)
	}
	i.explainLogin()
	i.Outcome, i.Binding = i.outcome(), i.plan.written(i.result)
	secret := "unchanged"
	switch {
	case i.isNew:
		secret = "created"
	case i.extended:
		secret = "configured"
	}
	i.Report.Done("secret/"+i.plan.secret.name, secret)
	i.Report.Done(i.Workload.String(), verb(i.changed, "bound"))
	r.Progress.Bound(i)
}

// verb is what became of an object, as kubectl says it.
func verb(changed bool, verb string) string {
	if changed {
		return verb
	}
	return "unchanged"
}

// secretIsGone says that another run rolled back the Secret that this one relied on.
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

// refer writes the reference into the workload.
func (r *run) refer(ctx context.Context, i *Item) (*workload.Workload, bool, error) {
	p := i.plan
	if p.options.Reference.Inject == workload.InjectNone {
		text, err := p.patchText()
		if text != "" {
			i.Report.Show(text)
		}
		return p.workload, false, err
	}
	bound, changed, err := r.send(ctx, p, false)
	if err == nil {
		return bound, changed, nil
	}
	if status := apierrors.APIStatus(nil); !errors.As(err, &status) {
		// The connection broke: the API server may have accepted the patch, and a binding that Pods use must not be rolled back.
		if bound, ok := r.patched(ctx, p); ok {
			return bound, true, nil
		}
	}
	return nil, false, fmt.Errorf("refer to secret/%s from %s: %w", p.secret.name, p.workload, err)
}

// patched looks whether the reference is there after all.
func (r *run) patched(ctx context.Context, p *Plan) (*workload.Workload, bool) {
	ctx, cancel := undo.AfterEnd(ctx, undo.DefaultLimit)
	defer cancel()
	current, err := r.Workloads.Reread(ctx, p.workload)
	if err != nil {
		return nil, false
	}
	to, err := p.changed(current)
	return current, err == nil && to.Equal(current)
}
