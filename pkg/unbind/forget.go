package unbind

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// forget removes the workload's note of the binding and then the Secret, the last that tells of it.
func (u *Unbinder) forget(ctx context.Context, b *binding) error {
	if b.Workload != nil {
		if err := u.removeNote(ctx, b); err != nil {
			return err
		}
	}
	if b.secret != nil {
		if err := u.deleteSecret(ctx, b, metav1.DeleteOptions{}); err != nil {
			return err
		}
		u.Report.Done("secret/"+b.name, "deleted")
	}
	u.Report.Done(b.Name, "unbound")
	if b.options.Abandon {
		return u.leftover(b)
	}
	return nil
}

// removeNote takes the annotation of the binding from the workload, if it is this binding's.
func (u *Unbinder) removeNote(ctx context.Context, b *binding) error {
	key, err := credentials.AnnotationKey(b.name)
	if err != nil {
		return err
	}
	_, _, err = u.Workloads.Patch(ctx, b.Workload, func(w *workload.Workload) error {
		if credentials.AnnotationsOf(w.Annotations())[b.name].ID == b.marks.ID {
			w.SetAnnotation(key, "")
		}
		return nil
	}, false)
	if err != nil {
		return fmt.Errorf("remove the note of the binding: %w", err)
	}
	return nil
}

// deleteSecret deletes the Secret that was found, and no later one of its name.
func (u *Unbinder) deleteSecret(ctx context.Context, b *binding, options metav1.DeleteOptions) error {
	options.Preconditions = &metav1.Preconditions{UID: &b.secret.UID}
	err := u.Kube.CoreV1().Secrets(b.Namespace).Delete(ctx, b.name, options)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete secret/%s in namespace %s: %w", b.name, b.Namespace, err)
	}
	return nil
}
