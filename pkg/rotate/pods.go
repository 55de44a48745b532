package rotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// pods changes every workload to the new login, and waits until the Pods with the old one are gone. All are changed
// first and then followed together.
func (r *run) pods(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		for _, user := range i.users {
			if i.err = r.patchWorkload(ctx, i, user); i.err != nil {
				return
			}
		}
	})
	each(phases.Open(items), func(i *item) {
		ctx, cancel := workload.Limit(ctx, r.options.Timeout)
		defer cancel()
		for _, one := range i.patched {
			if i.err = workload.InTime(ctx, r.awaitPods(ctx, i, one.workload)); i.err != nil {
				return
			}
		}
	})
}

// patchWorkload writes the new role to the workload's annotation, and the generation to its template if only new Pods get the new login.
func (r *run) patchWorkload(ctx context.Context, i *item, user *workload.Workload) error {
	if user.IsPod() || user.IsJob() {
		if i.restarts(user) && !user.Created().After(i.since) {
			i.kept = true
			r.Report.Warn("%s keeps the old login because it cannot be changed", user)
		}
		return nil
	}
	before := user.Template().Annotations[secret.GenerationAnnotation(i.SecretName)]
	// Record the patch before sending it: the API server can accept a patch without responding.
	i.patched = append(i.patched, patched{workload: user, before: before})
	changed, _, err := r.Workloads.Patch(ctx, i.as(user), i.change(i.stamp(i.generation), i.to, i.generation), false)
	if err != nil {
		return fmt.Errorf("change %s to the new login: %w", user, err)
	}
	i.patched[len(i.patched)-1].workload = changed
	return nil
}

// toNew changes a workload to the new role of the plan.
func (i *item) toNew() func(*workload.Workload) error {
	return i.change(i.stamp(i.plan.generation), i.plan.role, i.plan.generation)
}

// stamp is the value of the annotation by which Pods of a generation differ from earlier ones. It contains the UID of the Secret,
// because the template can still have the annotation of an earlier binding with the same id, whose Secret had the same name.
func (i *item) stamp(generation int) string {
	unique := i.Marks.ID
	if i.Secret != nil {
		unique = string(i.Secret.UID)
	}
	return unique + "." + strconv.Itoa(generation)
}

// change sets the role in the annotation and the generation in the template; an empty one is removed.
func (i *item) change(template, role string, generation int) func(*workload.Workload) error {
	return func(w *workload.Workload) error {
		if i.restarts(w) {
			setAnnotation(w, secret.GenerationAnnotation(i.SecretName), template)
		}
		noted, ok := secret.AnnotationsOf(w.Annotations())[i.SecretName]
		if !ok || noted.ID != i.Marks.ID {
			return i.refuseUnbound(w)
		}
		if err := noted.RefuseUnbinding(w.String(), i.SecretName); err != nil {
			return err
		}
		note := i.Marks.Note()
		note.FieldManager = cmp.Or(i.named, note.FieldManager)
		note.Role, note.Generation, note.Former = role, generation, noted.Former
		key, err := secret.AnnotationKey(i.SecretName)
		if err != nil {
			return err
		}
		w.SetAnnotation(key, note.Value())
		return nil
	}
}

// errUnbound reports that a workload no longer has the annotation of the binding.
var errUnbound = errors.New("was unbound during the rotation")

// refuseUnbound returns an error if a workload had the annotation of the binding when it was listed and no longer has it.
func (i *item) refuseUnbound(w *workload.Workload) error {
	for _, user := range i.users {
		if user.UID() == w.UID() && i.notes(user) {
			return fmt.Errorf("%s %w from secret/%s", w, errUnbound, i.SecretName)
		}
	}
	return nil
}

// setAnnotation sets or removes an annotation of the pod template.
func setAnnotation(w *workload.Workload, key, value string) {
	t := w.Template()
	if value == "" {
		delete(t.Annotations, key)
		return
	}
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	t.Annotations[key] = value
}

// awaitPods waits until no Pod uses the old login. Pods that are not replaced automatically keep the old role in use.
func (r *run) awaitPods(ctx context.Context, i *item, w *workload.Workload) error {
	if !i.restarts(w) {
		return nil
	}
	progress := func(line string) { r.Report.Step("%s", line) }
	replaced, err := workload.ReplacePodsOf(ctx, r.Workloads, w, workload.Replacement{
		Secret: i.SecretName, Restart: r.options.Restart, Progress: progress,
	})
	if err != nil {
		return err
	}
	if rollout := w.Rollout(); !replaced && rollout.Kind != workload.NextRun {
		i.kept = true
		r.Report.Warn("%s", rollout.Message)
		return nil
	}
	return r.Workloads.WaitOutdatedGone(ctx, w, i.SecretName, progress)
}

// restorePods changes the workloads back to the old login, after the Secret holds it again.
func (r *run) restorePods(i *item) rollback.Step {
	return rollback.Step{
		What: "the Pods with the new login",
		How:  i.command(),
		Do: func(ctx context.Context) (bool, error) {
			if i.keepSuccessor {
				return false, errors.New("the Secret may still hold the new login")
			}
			var errs []error
			for _, one := range i.patched {
				changed, _, err := r.Workloads.Patch(
					ctx, i.as(one.workload), i.change(one.before, i.plan.former, i.Marks.Generation), false,
				)
				if unbinding := (*secret.UnbindingError)(nil); errors.As(err, &unbinding) || errors.Is(err, errUnbound) {
					continue // unbind removes the login of these Pods anyway
				}
				if err == nil {
					err = r.awaitPods(ctx, i, changed)
				}
				errs = append(errs, err)
			}
			err := errors.Join(errs...)
			i.keepSuccessor = err != nil || i.kept
			return len(i.patched) > 0, err
		},
	}
}
