package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// reference returns the reference to the Secret in the pod template.
func (p *Plan) reference() workload.Reference {
	_, noted := secret.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return workload.Reference{
		Secret: p.secret.name, Inject: workload.Inject(p.spec.Inject), Containers: p.containers, Keys: p.variables,
		Prefix: p.spec.EnvPrefix, MountPath: p.spec.MountPath, ServiceBinding: secret.IsServiceBinding(p.spec),
		Adopt: p.options.Adopt || noted || p.recreated, Replace: p.spec.NamesFromWorkload,
	}
}

// writeReference adds the reference. If the spec is complete, it replaces the references of this binding that exist.
func (p *Plan) writeReference(w *workload.Workload) error {
	_, noted := secret.AnnotationsOf(w.Annotations())[p.secret.name]
	exact := p.options.Exact || p.spec.IsOwner() // there is one owner container
	if noted && !p.spec.NamesFromWorkload && exact && !p.injectsNothing() {
		return p.reference().Set(w.Template())
	}
	return p.reference().Add(w.Template())
}

// change adds the reference and the annotation of the binding to a workload.
func (p *Plan) change(w *workload.Workload) error {
	former, err := p.replaceLost(w)
	if err != nil {
		return err
	}
	if former, err = p.replaceVariables(w, former); err != nil {
		return err
	}
	if err := p.writeReference(w); err != nil {
		return err
	}
	if p.inManifest {
		return nil // the annotation changes with every rotation
	}
	key, err := secret.AnnotationKey(p.secret.name)
	if err != nil {
		return err
	}
	note := p.stored().Note()
	note.Former = former
	w.SetAnnotation(key, note.Value())
	return nil
}

// replaceLost removes the reference to a Secret that belongs to something else by now. If the workload references yet another Secret of
// this binding, another run was faster. If an unbind has started, the bind cannot continue. It returns the former variables that the
// workload notes.
func (p *Plan) replaceLost(w *workload.Workload) (former []secret.FormerVariable, err error) {
	for secretName, a := range secret.AnnotationsOf(w.Annotations()) {
		if a.ID != p.role.Owner.ID {
			continue
		}
		if err := a.RefuseUnbinding(w.String(), secretName); err != nil {
			return nil, err
		}
		former = append(former, a.Former...)
		if secretName == p.secret.name {
			continue
		}
		if !slices.Contains(p.staleSecrets, secretName) {
			return nil, fmt.Errorf("%s %w, by secret/%s: run the command again", w, errBoundMeanwhile, secretName)
		}
		key, err := secret.AnnotationKey(secretName)
		if err != nil {
			return nil, err
		}
		workload.RemoveReference(w.Template(), secretName)
		w.SetAnnotation(key, "")
	}
	return former, nil
}

// checkReference refuses a reference that cannot work, as far as this is known without the API server.
func (r *run) checkReference(i *Item, p *Plan) error {
	if p.injectsNothing() {
		return nil
	}
	err := errors.Join(p.refuseHiding(), r.refuseManaged(i, p), workload.CheckFieldManager(p.workload, p.manager()))
	if err != nil {
		return err
	}
	_, err = p.checkChange()
	return err
}

// dryRun sends the Secrets with assigned names and the changes of the workloads as a dry run. The API server decides by user, namespace and
// kind, so that one object of each kind in a namespace is enough. If it refuses a single object later, that item is rolled back.
func (r *run) dryRun(ctx context.Context, items []*Item) {
	r.tryFirst(ctx, items, func(i *Item) string {
		if i.assigned == "" || i.assigned != i.plan.secret.name || i.Options.DryRun == cmdutil.DryRunClient {
			return ""
		}
		return i.namespace()
	}, func(i *Item) error {
		if err := r.dryRunCreate(ctx, i.plan); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create secret/%s in namespace %s: %w", i.assigned, i.namespace(), err)
		}
		return nil
	})
	r.tryFirst(ctx, phases.Open(items), func(i *Item) string {
		changes, err := i.plan.checkChange()
		if i.plan.injectsNothing() || err != nil || !changes || i.Options.DryRun == cmdutil.DryRunClient {
			return ""
		}
		return i.Workload.Kind().Kind + " in " + i.namespace()
	}, func(i *Item) error {
		if _, _, err := r.sendPatch(ctx, i.plan, true); err != nil {
			return fmt.Errorf("%s cannot be given the Secret: %w", i.Workload, err)
		}
		return nil
	})
}

// tryFirst sends the request of the first item of each kind, and that of the next one if it was refused.
func (r *run) tryFirst(ctx context.Context, items []*Item, kindOf func(*Item) string, send func(*Item) error) {
	phases.TryFirst(items, atOnce, kindOf, func(i *Item) error {
		err := send(i)
		if err != nil {
			r.failOrRetry(ctx, i, err)
		}
		return err
	})
}

// checkChange checks the change without the API server, and reports whether the workload must be changed.
func (p *Plan) checkChange() (changes bool, err error) {
	to, err := p.changed(p.workload)
	changes = err == nil && !to.Equal(p.workload)
	if changes && p.workload.IsPod() && !p.options.Recreate && p.adopted == nil {
		err = workload.UnchangeableError{Pod: p.workload.Name()}
	}
	if err != nil {
		return false, fmt.Errorf("%s cannot be given the Secret: %w", p.workload, err)
	}
	return changes, nil
}

// refuseHiding refuses variables that hide those of another binding of the workload, or that they hide.
func (p *Plan) refuseHiding() error {
	for secretName, other := range secret.AnnotationsOf(p.workload.Annotations()) {
		if other.ID != p.role.Owner.ID && p.reference().Hides(p.workload.Template(), secretName, secret.Variables(other.BindingSpec)) {
			return fmt.Errorf(
				"%s has a binding already (secret/%s, database %q on %s), whose variables this one would hide: "+
					"to replace it, run kubectl pgbind unbind %[1]s -n %[5]s first; to add another one, give these other names with --env-prefix",
				p.workload, secretName, other.DBName, other.Postgres, p.workload.Namespace(),
			)
		}
	}
	return nil
}

// refuseManaged refuses a reference that another field manager would revert, and prints the patch for the manifest.
func (r *run) refuseManaged(i *Item, p *Plan) error {
	reference := p.reference()
	field, manager, owned := "envFrom", "", false
	instead := "bind with --inject none and put the patch above into its manifest, or bind with --inject env, or with --force"
	switch {
	case p.options.Force || reference.Present(p.workload.Template()):
	case p.spec.NamesFromWorkload:
		field, instead = "variables", "bind with --inject none and put the patch above into its manifest, or bind with --force"
		manager, owned = workload.VariablesManagedBy(p.workload, reference)
	case reference.Inject == workload.InjectEnvFrom:
		manager, owned = workload.ManagedBy(p.workload, p.containers)
	}
	if !owned {
		return nil
	}
	text, err := p.patchText()
	if err != nil {
		return err
	}
	i.Report.Show(text)
	if p.formerLogin != "" { // of a takeover, which always changes the workload
		instead = "use --force, and put the patch above into its manifest before it is applied again"
	}
	return fmt.Errorf("%s sets %s of %s itself and would take ours away: %s", manager, field, p.workload, instead)
}

// injectsNothing reports whether the user adds the reference.
func (p *Plan) injectsNothing() bool { return p.spec.Inject == string(workload.InjectNone) }

// sendPatch changes the workload. A bare Pod cannot be changed and is replaced.
func (r *run) sendPatch(ctx context.Context, p *Plan, dryRun bool) (*workload.Workload, bool, error) {
	w := p.workload.As(p.manager(), p.previous.FieldManager)
	if w.IsPod() && p.options.Recreate && p.adopted == nil {
		return r.Workloads.RecreatePod(ctx, w, p.change, dryRun)
	}
	return r.Workloads.Patch(ctx, w, p.change, dryRun)
}

// changed returns a copy of the workload with the reference.
func (p *Plan) changed(from *workload.Workload) (*workload.Workload, error) {
	to := from.DeepCopy()
	return to, p.change(to)
}

// patchText returns the patch for a manifest that is kept elsewhere. It is empty if the workload has the reference already.
func (p *Plan) patchText() (string, error) {
	wanted := *p
	wanted.spec.Inject, wanted.inManifest = string(workload.InjectEnvFrom), true
	if p.spec.NamesFromWorkload {
		wanted.spec.Inject = string(workload.InjectEnv)
	}
	to, err := wanted.changed(p.workload)
	if err != nil {
		return "", err
	}
	if p.spec.NamesFromWorkload && !to.Equal(p.workload) && p.workload.ReplacesLists() {
		return wanted.reference().Entries(), nil // the patch would show the values of other variables
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
