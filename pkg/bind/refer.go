package bind

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// reference is how the pod template gives the Secret to its containers.
func (p *plan) reference() workload.Reference {
	o := p.options.Reference
	_, noted := credentials.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return workload.Reference{
		Secret: p.secret.name, Inject: o.Inject, Containers: p.containers, Keys: p.variables(),
		Prefix: o.Prefix, MountPath: o.MountPath, Adopt: o.Adopt || noted,
	}
}

// writeReference adds the reference, or, where exactly what the options name is wanted, replaces those of this binding that are there.
func (p *plan) writeReference(w *workload.Workload) error {
	_, noted := credentials.AnnotationsOf(w.Annotations())[p.secret.name]
	if noted && p.options.Reference.Exact && p.options.Reference.Inject != workload.InjectNone {
		return p.reference().Set(w.Template())
	}
	return p.reference().Add(w.Template())
}

// change makes the reference and the note of the binding in a workload.
func (p *plan) change(w *workload.Workload) error {
	if err := p.replaceLost(w); err != nil {
		return err
	}
	if err := p.writeReference(w); err != nil {
		return err
	}
	key, err := credentials.AnnotationKey(p.secret.name)
	if err != nil {
		return err
	}
	value, err := p.wantedMarks().Note(w.Namespace()).Value()
	if err != nil {
		return fmt.Errorf("write the binding's annotation: %w", err)
	}
	w.SetAnnotation(key, value)
	return nil
}

// errBoundMeanwhile says that the workload refers to another Secret of this binding than it did when it was read.
var errBoundMeanwhile = errors.New("was bound meanwhile")

// replaceLost takes out the reference to a Secret that is somebody else's by now. The binding's reference to any other Secret is of a
// run that was faster, and one that is being taken back is none to go on with.
func (p *plan) replaceLost(w *workload.Workload) error {
	for secret, a := range credentials.AnnotationsOf(w.Annotations()) {
		if a.ID != p.binding.Owner.ID {
			continue
		}
		if err := a.RefuseUnbinding(w.String(), secret); err != nil {
			return err
		}
		if secret == p.secret.name {
			continue
		}
		if !slices.Contains(p.lost, secret) {
			return fmt.Errorf("%s %w, by secret/%s: run the command again", w, errBoundMeanwhile, secret)
		}
		key, err := credentials.AnnotationKey(secret)
		if err != nil {
			return err
		}
		workload.RemoveReference(w.Template(), secret)
		w.SetAnnotation(key, "")
	}
	return nil
}

// tryReference refuses what cannot work, and asks the API server whether it would accept the change.
func (b *Binder) tryReference(ctx context.Context, p *plan) error {
	if p.options.Reference.Inject == workload.InjectNone {
		return nil
	}
	if err := errors.Join(p.refuseHiding(), b.refuseManaged(p)); err != nil {
		return err
	}
	changes, err := p.tryHere()
	if err != nil || !changes || p.options.DryRun == DryRunClient {
		return err
	}
	ask := func() error {
		_, _, err := b.send(ctx, p, true)
		return err
	}
	if err := b.Trials.once(p.workload.Kind().Kind+" in "+p.workload.Namespace(), ask); err != nil {
		return fmt.Errorf("%s cannot be given the Secret: %w", p.workload, err)
	}
	return nil
}

// tryHere finds what it can without the API server, and says whether the workload is to be changed.
func (p *plan) tryHere() (changes bool, err error) {
	to, err := p.changed(p.workload)
	changes = err == nil && !to.Equal(p.workload)
	if changes && p.workload.IsPod() && !p.options.Rollout.Recreate {
		err = workload.UnchangeableError{Pod: p.workload.Name()}
	}
	if err != nil {
		return false, fmt.Errorf("%s cannot be given the Secret: %w", p.workload, err)
	}
	return changes, nil
}

// refuseHiding refuses variables that would hide those of another binding of the workload, or be hidden by them.
func (p *plan) refuseHiding() error {
	for secret, other := range credentials.AnnotationsOf(p.workload.Annotations()) {
		if other.ID != p.binding.Owner.ID && p.reference().Hides(p.workload.Template(), secret) {
			return fmt.Errorf("%s has a binding already (secret/%s, database %q), whose variables this one would hide: give these other names with --env-prefix",
				p.workload, secret, other.Database)
		}
	}
	return nil
}

// refuseManaged refuses where the reference would not last, and prints what to put into the manifest instead.
func (b *Binder) refuseManaged(p *plan) error {
	reference := p.reference()
	manager, owned := workload.ManagedBy(p.workload, p.containers)
	if !owned || p.options.Reference.Force || reference.Inject != workload.InjectEnvFrom || reference.Present(p.workload.Template()) {
		return nil
	}
	text, err := p.patchText()
	if err != nil {
		return err
	}
	b.Report.Show(text)
	return fmt.Errorf("%s sets envFrom of %s itself and would take ours away: bind with --inject none and put the patch above into its manifest, "+
		"or bind with --inject env, or with --force", manager, p.workload)
}

// refer writes the reference into the workload.
func (b *Binder) refer(ctx context.Context, p *plan) (*workload.Workload, bool, error) {
	if p.options.Reference.Inject == workload.InjectNone {
		text, err := p.patchText()
		if text != "" {
			b.Report.Show(text)
		}
		return p.workload, false, err
	}
	if b.Turn != nil {
		if err := b.Turn(ctx); err != nil {
			return nil, false, fmt.Errorf("refer to secret/%s from %s: %w", p.secret.name, p.workload, err)
		}
	}
	bound, changed, err := b.send(ctx, p, false)
	if err == nil {
		return bound, changed, nil
	}
	if status := apierrors.APIStatus(nil); !errors.As(err, &status) {
		// The connection broke: the API server may have accepted the patch, and a binding that Pods use must not be taken back.
		if bound, ok := b.accepted(ctx, p); ok {
			return bound, true, nil
		}
	}
	return nil, false, fmt.Errorf("refer to secret/%s from %s: %w", p.secret.name, p.workload, err)
}

// send changes the workload; a bare Pod cannot be changed and is replaced.
func (b *Binder) send(ctx context.Context, p *plan, dryRun bool) (*workload.Workload, bool, error) {
	if p.workload.IsPod() && p.options.Rollout.Recreate {
		return b.Workloads.RecreatePod(ctx, p.workload, p.change, dryRun)
	}
	return b.Workloads.Patch(ctx, p.workload, p.change, dryRun)
}

// accepted looks whether the reference is there after all.
func (b *Binder) accepted(ctx context.Context, p *plan) (*workload.Workload, bool) {
	ctx, cancel := undo.AfterEnd(ctx, undo.DefaultLimit)
	defer cancel()
	current, err := b.Workloads.Reread(ctx, p.workload)
	if err != nil {
		return nil, false
	}
	to, err := p.changed(current)
	return current, err == nil && to.Equal(current)
}

// changed is a workload with the reference.
func (p *plan) changed(from *workload.Workload) (*workload.Workload, error) {
	to := from.DeepCopy()
	return to, p.change(to)
}

// patchText is the change for people who keep the workload's manifest elsewhere; it is empty where the workload has it already.
func (p *plan) patchText() (string, error) {
	wanted := *p
	wanted.options.Reference.Inject = workload.InjectEnvFrom
	to, err := wanted.changed(p.workload)
	if err != nil {
		return "", err
	}
	patch, err := workload.PatchBytes(p.workload, to)
	if err != nil || patch == nil {
		return "", err
	}
	text, err := yaml.JSONToYAML(patch)
	if err != nil {
		return "", fmt.Errorf("write the patch of %s: %w", p.workload, err)
	}
	return string(text), nil
}
