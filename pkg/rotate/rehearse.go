package rotate

import (
	"context"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// rehearse sends all writes as a dry run and makes all later reads, so that missing permissions, admission and quotas fail before there is
// anything to roll back.
func (r *Rotator) rehearse(ctx context.Context, p *rotation) error {
	if p.options.DryRun == cmdutil.DryRunClient {
		return nil
	}
	if _, err := r.Kube.CoreV1().Secrets(p.Namespace).Get(ctx, p.SecretName, metav1.GetOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("secret/%s in namespace %s cannot be read: %w", p.SecretName, p.Namespace, err)
	}
	// Another run can have written the Secret. The actual write handles that.
	if err := r.trySecret(ctx, p); err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("secret/%s in namespace %s cannot be written: %w", p.SecretName, p.Namespace, err)
	}
	if p.options.InPlace {
		return nil
	}
	for _, user := range p.users {
		if user.IsPod() || user.IsJob() {
			continue
		}
		if _, _, err := r.Workloads.Patch(ctx, user, p.change(strconv.Itoa(p.generation), p.role, p.generation), true); err != nil {
			return fmt.Errorf("%s cannot be changed to the new login: %w", user, err)
		}
		if _, err := r.Workloads.OutdatedPods(ctx, user, p.SecretName); err != nil {
			return fmt.Errorf("cannot wait for the Pods of %s: %w", user, err)
		}
	}
	return nil
}

// trySecret writes the Secret as a dry run.
func (r *Rotator) trySecret(ctx context.Context, p *rotation) (err error) {
	secrets, dryRun := r.Kube.CoreV1().Secrets(p.Namespace), []string{metav1.DryRunAll}
	if p.Secret == nil {
		_, err = secrets.Create(ctx, p.newSecret(), metav1.CreateOptions{FieldManager: p.options.FieldManager, DryRun: dryRun})
	} else {
		_, err = secrets.Update(ctx, p.renewed(), metav1.UpdateOptions{FieldManager: p.options.FieldManager, DryRun: dryRun})
	}
	return err
}
