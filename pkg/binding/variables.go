package binding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// keepNames returns what is asked for, with the names of the workload's variables if the binding keeps them. A workload
// that is bound already notes them: its variables do not show them any more.
func (r *run) keepNames(ctx context.Context, i *Item, id string) (v1alpha1.BindingSpec, error) {
	asked := i.Spec
	own, note := i.note(id)
	switch exact := i.Options.Exact; {
	case note.NamesFromWorkload && exact && !asked.NamesFromWorkload:
		return asked, fmt.Errorf("%s keeps the names of its variables: set namesFromWorkload, or unbind it first", i.Workload)
	case note.NamesFromWorkload && exact:
		return withNames(asked, note.Env), nil
	case note.NamesFromWorkload, !asked.NamesFromWorkload && (own != "" || !i.mayOffer()):
		return asked, nil
	}
	if i.names == nil {
		found, err := r.recognize(ctx, i, own)
		switch {
		case err != nil && asked.NamesFromWorkload:
			return asked, err
		case err == nil && !asked.NamesFromWorkload:
			if found, err = i.offer(ctx, found); err != nil {
				return asked, err
			}
		}
		i.names = &found
	}
	if len(*i.names) == 0 {
		return asked, nil
	}
	asked.NamesFromWorkload = true
	return withNames(asked, *i.names), nil
}

// withNames adds the templates of names to a spec, whose own templates win.
func withNames(spec v1alpha1.BindingSpec, names map[string]string) v1alpha1.BindingSpec {
	if len(names) > 0 {
		all := maps.Clone(names)
		maps.Copy(all, spec.Env)
		spec.Env = all
	}
	return spec
}

// note returns the Secret that the workload notes for the binding, and the note.
func (i *Item) note(id string) (secretName string, note secret.Marks) {
	for name, a := range secret.AnnotationsOf(i.Workload.Annotations()) {
		if a.ID == id {
			return name, a
		}
	}
	return "", secret.Marks{}
}

// mayOffer reports whether the user can be asked for the names: somebody is there, and nothing else decides about them.
func (i *Item) mayOffer() bool {
	s := i.Spec
	return i.Options.Confirm != nil && !i.Options.Adopt && len(s.Presets)+len(s.Env)+len(s.Keys) == 0 &&
		s.Inject+s.EnvPrefix+s.MountPath == ""
}

// offer asks whether to keep the names. It returns none if the user declines.
func (i *Item) offer(ctx context.Context, found map[string]string) (map[string]string, error) {
	question := fmt.Sprintf("%s has its login in %s. Keep these names, and put the new login there?",
		i.Workload, strings.Join(slices.Sorted(maps.Keys(found)), ", "))
	yes, err := i.Options.Confirm(ctx, question)
	if err != nil || !yes {
		return nil, err
	}
	return found, nil
}

// recognize returns the variables that hold the present login of the item's containers, each with its template. own is the Secret of the
// binding, if there is one. An error says why there are no names, without the value of any variable.
func (r *run) recognize(ctx context.Context, i *Item, own string) (map[string]string, error) {
	endpoint, dbname := i.candidates[0], i.spec().DBName
	reached, found := keys.Server{Hosts: endpoint.Hosts(i.namespace()), Database: dbname}, map[string]string{}
	if len(i.containers) == 0 {
		return nil, fmt.Errorf(
			"the containers of %s are not known: name its pod template with --template-path, or set the names with --env",
			i.Workload,
		)
	}
	var warnings []string
	for _, container := range i.containers {
		read, unread, err := r.Workloads.Variables(ctx, i.Workload, container, own)
		if err != nil {
			return nil, err
		}
		names, problems := keys.Recognize(read, reached)
		if len(names.Variables) == 0 {
			return nil, unrecognized(i, container, problems, unread)
		}
		for _, name := range names.Variables {
			variable, text := name.Template.Name(), name.Template.Text()
			if cmp.Or(found[variable], text) != text {
				return nil, fmt.Errorf(
					"%s: its containers have different values for %s: bind one of them with -c, or set the names with --env",
					i.Workload, variable,
				)
			}
			found[variable] = text
		}
		for _, p := range problems {
			warnings = append(warnings, fmt.Sprintf("container %s: %s", container, textOf(p)))
		}
		if names.Former.Port == 0 && endpoint.Port != server.DefaultPort {
			warnings = append(
				warnings,
				fmt.Sprintf("container %s: no variable has the port, which is %d: set it with --env", container, endpoint.Port),
			)
		}
		if names.Former.Database == "" {
			warnings = append(
				warnings,
				fmt.Sprintf("container %s: no variable has the database: check that the application uses %q", container, dbname),
			)
		}
	}
	if i.Spec.NamesFromWorkload {
		for _, warning := range warnings {
			i.Report.Warn("%s", warning)
		}
	} else if len(warnings) > 0 {
		return nil, errors.New("the names are not clear enough to offer them")
	}
	return found, nil
}

// unrecognized returns the error for a container whose variables do not show its login.
func unrecognized(i *Item, container string, problems []keys.Problem, unread error) error {
	var texts []string
	for _, p := range problems {
		texts = append(texts, textOf(p))
	}
	text := fmt.Sprintf(
		"the login of container %s of %s in database %q (--dbname) is not recognized: %s", container, i.Workload,
		i.spec().DBName, strings.Join(texts, "; "),
	)
	if unread != nil {
		return fmt.Errorf("%s; %w", text, unread)
	}
	return errors.New(text)
}

func textOf(p keys.Problem) string {
	if len(p.Variables) == 0 {
		return p.Message
	}
	return strings.Join(p.Variables, ", ") + ": " + p.Message
}

// checkNames refuses what an earlier bind and this one request together.
func (p *Plan) checkNames() error {
	if !p.merged.NamesFromWorkload {
		return nil
	}
	if found := Validate(p.merged); len(found) > 0 {
		return fmt.Errorf("%s keeps the names of its variables: %w; or unbind it first", p.workload, found[0].Err)
	}
	return nil
}

// planFormer decides which former variables the Secret has to store. They are written before the workload is changed.
func (p *Plan) planFormer() error {
	if !p.spec.NamesFromWorkload || p.injectsNothing() {
		return nil
	}
	w := p.workload.DeepCopy()
	stored, err := p.replaceLost(w)
	if err != nil {
		return err
	}
	_, p.hidden, err = p.former(w, stored)
	return err
}

// former returns the former variables of a workload for its annotation, with those that it notes already, and those for
// the Secret. If the spec is complete, it puts back what the binding does not replace any more.
func (p *Plan) former(w *workload.Workload, stored []secret.FormerVariable) (noted, hidden []secret.FormerVariable, err error) {
	reference := p.reference()
	if p.options.Exact {
		unwanted := func(f secret.FormerVariable) bool {
			return !slices.Contains(reference.Containers, f.Container) || !slices.Contains(reference.Keys, f.Name)
		}
		all, err := secret.Former(stored, p.secret.existing)
		if err != nil {
			return nil, nil, err
		}
		workload.Restore(w.Template(), p.secret.name, slices.DeleteFunc(all, func(f secret.FormerVariable) bool { return !unwanted(f) }))
		stored = slices.DeleteFunc(slices.Clone(stored), unwanted)
	}
	replaced, err := reference.Replaced(w.Template())
	if err != nil {
		return nil, nil, err
	}
	noted, hidden = secret.MergeFormer(p.spec, stored, replaced)
	return noted, hidden, nil
}

// replaceVariables returns what the annotation of the workload has to note of its former variables. The Secret must have the rest already.
func (p *Plan) replaceVariables(w *workload.Workload, stored []secret.FormerVariable) ([]secret.FormerVariable, error) {
	if !p.spec.NamesFromWorkload || p.inManifest {
		return nil, nil
	}
	noted, hidden, err := p.former(w, stored)
	if err != nil {
		return nil, err
	}
	for _, f := range hidden {
		if !slices.ContainsFunc(p.hidden, func(planned secret.FormerVariable) bool { return equality.Semantic.DeepEqual(f, planned) }) {
			return nil, fmt.Errorf("%s %w: run the command again", w, errReplacedMeanwhile)
		}
	}
	return noted, nil
}

// masked returns a copy of a workload without the values of its variables, for printing.
func masked(w *workload.Workload) *workload.Workload {
	shown := w.DeepCopy()
	shown.SetAnnotation(corev1.LastAppliedConfigAnnotation, "")
	spec := &shown.Template().Spec
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range containers {
			for at := range c.Env {
				if c.Env[at].Value != "" {
					c.Env[at].Value = "MASKED"
				}
			}
		}
	}
	return shown
}
