package unbind

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// forget removes the Secret and then the workload's note of the binding, which keeps other runs from it until nothing of it is left.
func (u *Unbinder) forget(ctx context.Context, b *binding) error {
	if b.Secret != nil {
		if err := u.deleteSecret(ctx, b, metav1.DeleteOptions{}); err != nil {
			return err
		}
		u.Report.Done("secret/"+b.SecretName, "deleted")
	}
	if b.Workload != nil && !b.Workload.IsPod() {
		if _, _, err := u.Workloads.Patch(ctx, b.Workload, b.removeNote, false); err != nil {
			return fmt.Errorf("remove the note of the binding: %w", err)
		}
	}
	u.Report.Done(b.Name, "unbound")
	if b.options.Abandon {
		return u.leftover(b)
	}
	return nil
}

// deleteSecret deletes the Secret that was found, and no later one of its name.
func (u *Unbinder) deleteSecret(ctx context.Context, b *binding, options metav1.DeleteOptions) error {
	options.Preconditions = &metav1.Preconditions{UID: &b.Secret.UID}
	err := u.Kube.CoreV1().Secrets(b.Namespace).Delete(ctx, b.SecretName, options)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete secret/%s in namespace %s: %w", b.SecretName, b.Namespace, err)
	}
	return nil
}
