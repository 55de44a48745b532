package unbind

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// refuse returns an error where the Secret is still needed, or where the API server would not accept the writes.
func (u *Unbinder) refuse(ctx context.Context, b *binding) error {
	if !b.options.Force {
		if err := u.refuseUsed(ctx, b); err != nil {
			return err
		}
	}
	if b.options.DryRun == cmdutil.DryRunClient {
		return nil
	}
	if b.Workload != nil {
		if _, _, err := u.send(ctx, b, b.removeReference, true); err != nil {
			return fmt.Errorf("the reference to secret/%s cannot be removed: %w", b.SecretName, err)
		}
		if _, err := u.Workloads.OutdatedPods(ctx, b.Workload, b.SecretName); err != nil {
			return fmt.Errorf("the Pods of %s cannot be waited for: %w", b.Name, err)
		}
	}
	if b.Secret == nil {
		return nil
	}
	if _, err := u.readSecret(ctx, b); err != nil {
		return err
	}
	if err := u.deleteSecret(ctx, b, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		return fmt.Errorf("%w: unbind needs the right to delete it", err)
	}
	return nil
}

// refuseUsed refuses a Secret that something else still needs.
func (u *Unbinder) refuseUsed(ctx context.Context, b *binding) error {
	users, err := u.Workloads.Users(ctx, b.Namespace, b.SecretName)
	if unlisted := (*workload.UnlistedError)(nil); errors.As(err, &unlisted) {
		u.Report.Warn("%v", unlisted)
	} else if err != nil {
		return err
	}
	var others []string
	for _, user := range users {
		if b.Workload == nil || user.UID() != b.Workload.UID() {
			others = append(others, user.String())
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("secret/%s is also used by %s: take the reference out of there first, or go on with --force", b.SecretName, strings.Join(others, ", "))
	}
	if b.Workload == nil {
		return nil
	}
	without := b.Workload.DeepCopy()
	if err := b.removeReference(without); err != nil {
		return err
	}
	if workload.UsesSecret(&without.Template().Spec, b.SecretName) {
		return fmt.Errorf("%s also refers to secret/%s in a way that pgbind did not make: remove that first, or go on with --force", b.Name, b.SecretName)
	}
	return nil
}

// removeReference takes out of a workload what refers to the Secret. The note of the binding stays, and says to every other run that it
// is being taken back.
func (b *binding) removeReference(w *workload.Workload) error {
	if workload.RemoveReference(w.Template(), b.SecretName) {
		delete(w.Template().Annotations, credentials.GenerationAnnotation(b.SecretName))
	}
	if w.IsPod() {
		// A Pod is changed only by replacing it, which happens once; from here on its Secret alone tells of the binding.
		return b.removeNote(w)
	}
	return b.noteUnbinding(w)
}

// noteUnbinding is left out where a bind leaves no note either.
func (b *binding) noteUnbinding(w *workload.Workload) error {
	note, noted := credentials.AnnotationsOf(w.Annotations())[b.SecretName]
	switch {
	case noted && note.ID != b.Marks.ID, !noted && b.Marks.Choices.Inject == string(workload.InjectNone):
		return nil
	case !noted:
		note = b.Marks.Note(b.Namespace)
	}
	note.Unbinding = true
	key, err := credentials.AnnotationKey(b.SecretName)
	if err != nil {
		return err
	}
	value, err := note.Value()
	w.SetAnnotation(key, value)
	return err
}

// notesUnbinding says whether a workload's note of the binding says that it is being taken back.
func (b *binding) notesUnbinding(w *workload.Workload) bool {
	note := credentials.AnnotationsOf(w.Annotations())[b.SecretName]
	return note.ID == b.Marks.ID && note.Unbinding
}

// removeNote takes the annotation of the binding out of a workload, if it is this binding's, and not one that was made since.
func (b *binding) removeNote(w *workload.Workload) error {
	key, err := credentials.AnnotationKey(b.SecretName)
	if err == nil && (b.notesUnbinding(w) || w.IsPod() && credentials.AnnotationsOf(w.Annotations())[b.SecretName].ID == b.Marks.ID) {
		w.SetAnnotation(key, "")
	}
	return err
}

// send changes the workload; a bare Pod cannot be changed and is replaced.
func (u *Unbinder) send(ctx context.Context, b *binding, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error) {
	if b.Workload.IsPod() && b.options.Recreate {
		return u.Workloads.RecreatePod(ctx, b.Workload, change, dryRun)
	}
	return u.Workloads.Patch(ctx, b.Workload, change, dryRun)
}
