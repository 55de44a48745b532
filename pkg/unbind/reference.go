package unbind

import (
	"context"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// removeReference removes the reference to the Secret from the workload.
func (r *run) removeReference(ctx context.Context, i *Item) error {
	if i.Workload == nil {
		return nil
	}
	had := workload.UsesSecret(&i.Workload.Template().Spec, i.SecretName)
	if _, lost, err := i.restore(i.Workload.DeepCopy()); err == nil {
		for _, f := range lost {
			r.Report.Warn("%s is removed: its former value was in secret/%s, which is gone", f, i.SecretName)
		}
	}
	changed, did, err := r.sendPatch(ctx, i, i.removeReference, false)
	if err != nil {
		return fmt.Errorf("remove the reference to secret/%s: %w", i.SecretName, err)
	}
	if i.Workload = changed; did && had {
		r.Report.Step("reference to secret/%s removed from %s", i.SecretName, i.Name)
		if i.Marks.FormerLogin != "" {
			r.Report.Step("%s has its former variables again, and logs in as role %q", i.Name, i.Marks.FormerLogin)
		}
	}
	return nil
}

// removeReference removes the reference to the Secret from a workload. The annotation stays and tells other runs that unbind has started.
func (i *Item) removeReference(w *workload.Workload) error {
	restored, _, err := i.restore(w)
	if err != nil {
		return err
	}
	if removed := workload.RemoveReference(w.Template(), i.SecretName); removed || restored {
		delete(w.Template().Annotations, secret.GenerationAnnotation(i.SecretName))
	}
	if w.IsPod() {
		// A Pod is replaced, which happens only once. From then on only its Secret describes the binding.
		return i.removeNote(w)
	}
	return i.noteUnbinding(w)
}

// restore puts back what the binding replaced. It returns the variables whose former value is not known any more.
func (i *Item) restore(w *workload.Workload) (changed bool, lost []secret.FormerVariable, err error) {
	note := secret.AnnotationsOf(w.Annotations())[i.SecretName]
	if note.ID != i.Marks.ID {
		note.Former = nil
	}
	former, err := secret.Former(note.Former, i.Secret)
	if err != nil {
		return false, nil, err
	}
	changed, lost = workload.Restore(w.Template(), i.SecretName, former)
	return changed, lost, nil
}

// noteUnbinding records in the annotation that unbind has started. A workload without an annotation gets none.
func (i *Item) noteUnbinding(w *workload.Workload) error {
	note, noted := secret.AnnotationsOf(w.Annotations())[i.SecretName]
	switch {
	case noted && note.ID != i.Marks.ID, !noted && i.Marks.Inject == string(workload.InjectNone):
		return nil
	case !noted:
		note = i.Marks.Note()
	}
	note.Unbinding = true
	key, err := secret.AnnotationKey(i.SecretName)
	if err != nil {
		return err
	}
	w.SetAnnotation(key, note.Value())
	return nil
}

// notesUnbinding reports whether the workload's annotation records that unbind has started.
func (i *Item) notesUnbinding(w *workload.Workload) bool {
	note := secret.AnnotationsOf(w.Annotations())[i.SecretName]
	return note.ID == i.Marks.ID && note.Unbinding
}

// removeNote removes the annotation from a workload if it belongs to this binding and not to a newer one.
func (i *Item) removeNote(w *workload.Workload) error {
	key, err := secret.AnnotationKey(i.SecretName)
	if err == nil && (i.notesUnbinding(w) || w.IsPod() && secret.AnnotationsOf(w.Annotations())[i.SecretName].ID == i.Marks.ID) {
		w.SetAnnotation(key, "")
	}
	return err
}

// sendPatch changes the workload. A bare Pod is replaced, because it cannot be changed.
func (r *run) sendPatch(ctx context.Context, i *Item, change func(*workload.Workload) error,
	dryRun bool) (*workload.Workload, bool, error) {
	w := i.Workload.As(i.FieldManager(r.options.FieldManager), i.Marks.FieldManager)
	if w.IsPod() && r.options.Recreate {
		return r.Workloads.RecreatePod(ctx, w, change, dryRun)
	}
	return r.Workloads.Patch(ctx, w, change, dryRun)
}
