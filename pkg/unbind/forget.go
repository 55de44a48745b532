package unbind

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// forget removes the binding's annotation from the workload. Until then it keeps other runs from using the binding.
func (u *Unbinder) forget(ctx context.Context, b *binding) error {
	if b.Workload != nil && !b.Workload.IsPod() {
		if _, _, err := u.Workloads.Patch(ctx, b.Workload, b.removeNote, false); err != nil {
			return fmt.Errorf("remove the annotation of the binding: %w", err)
		}
	}
	u.Report.Done(b.Name, "unbound")
	if b.options.Abandon {
		return u.leftover(b)
	}
	return nil
}

// attempts limits how often the roles are dropped before the Secret is deleted.
const attempts = 3

// dropLogin drops the login roles and then deletes the Secret that names them. If a rotation changed the Secret in between, it has
// created another role, so dropLogin reads the roles again.
func (u *Unbinder) dropLogin(ctx context.Context, b *binding) error {
	for tried := 1; ; tried++ {
		if done, err := u.removedByOther(ctx, b); done || err != nil {
			return err
		}
		if err := u.refresh(ctx, b); err != nil {
			return err
		}
		if err := u.retire(ctx, b); err != nil {
			return err
		}
		if err := u.purge(ctx, b); err != nil || b.Secret == nil {
			return err
		}
		err := u.deleteSecret(ctx, b, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &b.Secret.ResourceVersion}})
		if err == nil {
			u.Report.Done("secret/"+b.SecretName, "deleted")
		}
		if !apierrors.IsConflict(err) || tried == attempts {
			return err
		}
	}
}

// removedByOther reports whether another run has completed the unbind: the annotation that this run left is gone. From then on the workload
// can be bound again, with a role of the same name.
func (u *Unbinder) removedByOther(ctx context.Context, b *binding) (bool, error) {
	if b.Workload == nil || !b.notesUnbinding(b.Workload) {
		return false, nil
	}
	current, err := u.Workloads.Reread(ctx, b.Workload)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("check for another run: %w", err)
	}
	return !b.notesUnbinding(current), nil
}

// deleteSecret deletes the Secret that was found, and not a newer one of the same name.
func (u *Unbinder) deleteSecret(ctx context.Context, b *binding, options metav1.DeleteOptions) error {
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	options.Preconditions.UID = &b.Secret.UID
	err := u.Kube.CoreV1().Secrets(b.Namespace).Delete(ctx, b.SecretName, options)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete secret/%s in namespace %s: %w", b.SecretName, b.Namespace, err)
	}
	return nil
}
