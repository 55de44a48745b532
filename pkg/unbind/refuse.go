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

// refuse returns an error if the Secret is still needed, or if the API server would reject the writes.
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
			return fmt.Errorf("cannot wait for the Pods of %s: %w", b.Name, err)
		}
	}
	if b.Secret == nil {
		return nil
	}
	if _, err := u.readSecret(ctx, b); err != nil {
		return err
	}
	if err := u.deleteSecret(ctx, b, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		return fmt.Errorf("%w: unbind needs permission to delete it", err)
	}
	return nil
}

// refuseUsed returns an error if something else uses the Secret.
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
		return fmt.Errorf("secret/%s is also used by %s: remove these references first, or use --force", b.SecretName, strings.Join(others, ", "))
	}
	if b.Workload == nil {
		return nil
	}
	without := b.Workload.DeepCopy()
	if err := b.removeReference(without); err != nil {
		return err
	}
	if workload.UsesSecret(&without.Template().Spec, b.SecretName) {
		return fmt.Errorf("%s also references secret/%s in a way that pgbind did not create: remove that reference first, or use --force",
			b.Name, b.SecretName)
	}
	return nil
}

// removeReference removes the reference to the Secret from a workload. The annotation stays and tells other runs that unbind has started.
func (b *binding) removeReference(w *workload.Workload) error {
	if workload.RemoveReference(w.Template(), b.SecretName) {
		delete(w.Template().Annotations, credentials.GenerationAnnotation(b.SecretName))
	}
	if w.IsPod() {
		// A Pod is replaced, which happens only once. From then on only its Secret describes the binding.
		return b.removeNote(w)
	}
	return b.noteUnbinding(w)
}

// noteUnbinding records in the annotation that unbind has started. A workload without an annotation gets none.
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

// notesUnbinding reports whether the workload's annotation records that unbind has started.
func (b *binding) notesUnbinding(w *workload.Workload) bool {
	note := credentials.AnnotationsOf(w.Annotations())[b.SecretName]
	return note.ID == b.Marks.ID && note.Unbinding
}

// removeNote removes the annotation from a workload if it belongs to this binding and not to a newer one.
func (b *binding) removeNote(w *workload.Workload) error {
	key, err := credentials.AnnotationKey(b.SecretName)
	if err == nil && (b.notesUnbinding(w) || w.IsPod() && credentials.AnnotationsOf(w.Annotations())[b.SecretName].ID == b.Marks.ID) {
		w.SetAnnotation(key, "")
	}
	return err
}

// send changes the workload. A bare Pod is replaced, because it cannot be changed.
func (u *Unbinder) send(ctx context.Context, b *binding, change func(*workload.Workload) error,
	dryRun bool) (*workload.Workload, bool, error) {
	if b.Workload.IsPod() && b.options.Recreate {
		return u.Workloads.RecreatePod(ctx, b.Workload, change, dryRun)
	}
	return u.Workloads.Patch(ctx, b.Workload, change, dryRun)
}
