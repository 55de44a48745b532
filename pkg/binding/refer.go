package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// reference is how the pod template gives the Secret to its containers.
func (p *Plan) reference() workload.Reference {
	o := p.options.Reference
	_, noted := credentials.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return workload.Reference{
		Secret: p.secret.name, Inject: o.Inject, Containers: p.containers, Keys: p.variables(),
		Prefix: o.Prefix, MountPath: o.MountPath, Adopt: o.Adopt || noted,
	}
}

// writeReference adds the reference, or, where exactly what the options name is wanted, replaces those of this binding that are there.
func (p *Plan) writeReference(w *workload.Workload) error {
	_, noted := credentials.AnnotationsOf(w.Annotations())[p.secret.name]
	if noted && p.options.Reference.Exact && p.options.Reference.Inject != workload.InjectNone {
		return p.reference().Set(w.Template())
	}
	return p.reference().Add(w.Template())
}

// change makes the reference and the note of the binding in a workload.
func (p *Plan) change(w *workload.Workload) error {
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

// replaceLost takes out the reference to a Secret that is somebody else's by now. The binding's reference to any other Secret is of a
// run that was faster, and one that is being taken back is none to go on with.
func (p *Plan) replaceLost(w *workload.Workload) error {
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

// checkReference refuses what cannot work, as far as that is known without the API server.
func (r *run) checkReference(i *Item, p *Plan) error {
	if p.options.Reference.Inject == workload.InjectNone {
		return nil
	}
	if err := errors.Join(p.refuseHiding(), r.refuseManaged(i, p)); err != nil {
		return err
	}
	_, err := p.tryHere()
	return err
}

// tryAll asks the API server whether it would accept the Secrets whose names were assigned and the changes of the workloads. It accepts or
// refuses by who asks, where and what for, so that one of a kind in a namespace is asked for; what it refuses of a single object later
// is rolled back.
func (r *run) tryAll(ctx context.Context, items []*Item) {
	r.tryFirst(ctx, items, func(i *Item) string {
		if i.assigned == "" || i.assigned != i.plan.secret.name || i.Options.DryRun == cmdutil.DryRunClient {
			return ""
		}
		return i.namespace()
	}, func(i *Item) error {
		if err := r.tryCreate(ctx, i.plan); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create secret/%s in namespace %s: %w", i.assigned, i.namespace(), err)
		}
		return nil
	})
	r.tryFirst(ctx, open(items), func(i *Item) string {
		changes, err := i.plan.tryHere()
		if i.Options.Reference.Inject == workload.InjectNone || err != nil || !changes || i.Options.DryRun == cmdutil.DryRunClient {
			return ""
		}
		return i.Workload.Kind().Kind + " in " + i.namespace()
	}, func(i *Item) error {
		if _, _, err := r.send(ctx, i.plan, true); err != nil {
			return fmt.Errorf("%s cannot be given the Secret: %w", i.Workload, err)
		}
		return nil
	})
}

// tryFirst asks for the first item of each kind, and for the next one where that was refused.
func (r *run) tryFirst(ctx context.Context, items []*Item, kindOf func(*Item) string, ask func(*Item) error) {
	kinds := map[string][]*Item{}
	for _, i := range items {
		if kind := kindOf(i); kind != "" {
			kinds[kind] = append(kinds[kind], i)
		}
	}
	eachGroup(kinds, func(_ string, of []*Item) {
		for _, i := range of {
			err := ask(i)
			if err == nil {
				return
			}
			r.stop(ctx, i, err)
		}
	})
}

// tryHere finds what it can without the API server, and says whether the workload is to be changed.
func (p *Plan) tryHere() (changes bool, err error) {
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
func (p *Plan) refuseHiding() error {
	for secret, other := range credentials.AnnotationsOf(p.workload.Annotations()) {
		if other.ID != p.binding.Owner.ID && p.reference().Hides(p.workload.Template(), secret) {
			return fmt.Errorf("%s has a binding already (secret/%s, database %q), whose variables this one would hide: give these other names with --env-prefix",
				p.workload, secret, other.Database)
		}
	}
	return nil
}

// refuseManaged refuses where the reference would not last, and prints what to put into the manifest instead.
func (r *run) refuseManaged(i *Item, p *Plan) error {
	reference := p.reference()
	manager, owned := workload.ManagedBy(p.workload, p.containers)
	if !owned || p.options.Reference.Force || reference.Inject != workload.InjectEnvFrom || reference.Present(p.workload.Template()) {
		return nil
	}
	text, err := p.patchText()
	if err != nil {
		return err
	}
	i.Report.Show(text)
	return fmt.Errorf("%s sets envFrom of %s itself and would take ours away: bind with --inject none and put the patch above into its manifest, "+
		"or bind with --inject env, or with --force", manager, p.workload)
}

// send changes the workload; a bare Pod cannot be changed and is replaced.
func (r *run) send(ctx context.Context, p *Plan, dryRun bool) (*workload.Workload, bool, error) {
	if p.workload.IsPod() && p.options.Rollout.Recreate {
		return r.Workloads.RecreatePod(ctx, p.workload, p.change, dryRun)
	}
	return r.Workloads.Patch(ctx, p.workload, p.change, dryRun)
}

// changed is a workload with the reference.
func (p *Plan) changed(from *workload.Workload) (*workload.Workload, error) {
	to := from.DeepCopy()
	return to, p.change(to)
}

// patchText is the change for people who keep the workload's manifest elsewhere; it is empty where the workload has it already.
func (p *Plan) patchText() (string, error) {
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
