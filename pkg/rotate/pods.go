package rotate

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// patched is a workload that this run changed to the new login.
type patched struct {
	workload *workload.Workload
	before   string // the generation that its template had
}

// replacePods changes every workload to the new login, and waits until the Pods with the old one are gone.
func (r *Rotator) replacePods(ctx context.Context, p *rotation) error {
	for _, user := range p.users {
		if err := r.announce(ctx, p, user); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	for _, one := range p.patched {
		if err := r.awaitPods(ctx, p, one.workload); err != nil {
			return err
		}
	}
	return nil
}

// announce writes the new role to the workload's annotation, and the generation to its template if only new Pods get the new login.
func (r *Rotator) announce(ctx context.Context, p *rotation, user *workload.Workload) error {
	if user.IsPod() || user.IsJob() {
		if p.restarts(user) && !user.Created().After(p.since) {
			p.kept = true
			r.Report.Warn("%s keeps the old login because it cannot be changed", user)
		}
		return nil
	}
	before := user.Template().Annotations[credentials.GenerationAnnotation(p.SecretName)]
	// Record the patch before sending it: the API server can accept a patch without responding.
	p.patched = append(p.patched, patched{workload: user, before: before})
	changed, _, err := r.Workloads.Patch(ctx, user, p.change(strconv.Itoa(p.generation), p.role, p.generation), false)
	if err != nil {
		return fmt.Errorf("change %s to the new login: %w", user, err)
	}
	p.patched[len(p.patched)-1].workload = changed
	return nil
}

// change sets the role in the annotation and the generation in the template; an empty one is removed.
func (p *rotation) change(template, role string, generation int) func(*workload.Workload) error {
	return func(w *workload.Workload) error {
		if p.restarts(w) {
			setAnnotation(w, credentials.GenerationAnnotation(p.SecretName), template)
		}
		noted, ok := credentials.AnnotationsOf(w.Annotations())[p.SecretName]
		if !ok || noted.ID != p.Marks.ID {
			return p.refuseUnbound(w)
		}
		if err := noted.RefuseUnbinding(w.String(), p.SecretName); err != nil {
			return err
		}
		noted.Role, noted.Generation = role, generation
		key, err := credentials.AnnotationKey(p.SecretName)
		if err != nil {
			return err
		}
		value, err := noted.Value()
		w.SetAnnotation(key, value)
		return err
	}
}

// errUnbound reports that a workload no longer has the annotation of the binding.
var errUnbound = errors.New("was unbound during the rotation")

// refuseUnbound returns an error if a workload had the annotation of the binding when it was listed and no longer has it.
func (p *rotation) refuseUnbound(w *workload.Workload) error {
	for _, user := range p.users {
		if user.UID() == w.UID() && p.notes(user) {
			return fmt.Errorf("%s %w from secret/%s", w, errUnbound, p.SecretName)
		}
	}
	return nil
}

// notes reports whether a workload has the annotation of the binding.
func (p *rotation) notes(w *workload.Workload) bool {
	return credentials.AnnotationsOf(w.Annotations())[p.SecretName].ID == p.Marks.ID
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
func (r *Rotator) awaitPods(ctx context.Context, p *rotation, w *workload.Workload) error {
	if !p.restarts(w) {
		return nil
	}
	progress := func(line string) { r.Report.Step("%s", line) }
	switch rollout := w.Rollout(); {
	case rollout.Kind == workload.ReplacePods && p.options.Restart:
		if err := r.Workloads.Restart(ctx, w, p.SecretName, progress); err != nil {
			return err
		}
	case rollout.Kind == workload.Followed:
		if err := r.Workloads.WaitRollout(ctx, w, progress); err != nil {
			return err
		}
	case rollout.Kind != workload.NextRun:
		p.kept = true
		r.Report.Warn("%s", rollout.Message)
		return nil
	}
	return r.Workloads.WaitOutdatedGone(ctx, w, p.SecretName, progress)
}

// putPodsBack changes the workloads back to the old login, after the Secret holds it again.
func (r *Rotator) putPodsBack(p *rotation) undo.Step {
	return undo.Step{
		What: "the Pods with the new login",
		How:  fmt.Sprintf("kubectl pgbind rotate %s -n %s --secret %s", p.Name, p.Namespace, p.SecretName),
		Do: func(ctx context.Context) (bool, error) {
			if p.keepSuccessor {
				return false, errors.New("the Secret may still hold the new login")
			}
			var errs []error
			for _, one := range p.patched {
				changed, _, err := r.Workloads.Patch(ctx, one.workload, p.change(one.before, p.former, p.Marks.Generation), false)
				if unbinding := (*credentials.UnbindingError)(nil); errors.As(err, &unbinding) || errors.Is(err, errUnbound) {
					continue // unbind removes the login of these Pods anyway
				}
				if err == nil {
					err = r.awaitPods(ctx, p, changed)
				}
				errs = append(errs, err)
			}
			err := errors.Join(errs...)
			p.keepSuccessor = err != nil || p.kept
			return len(p.patched) > 0, err
		},
	}
}
