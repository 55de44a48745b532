package rotate

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// writeSecond copies the new login to the binding's second Secret, if it has one, and creates that again if it was deleted with the first.
func (r *Rotator) writeSecond(ctx context.Context, p *rotation, first *corev1.Secret) error {
	name := credentials.ServiceBindingName(first.Name)
	secrets := r.Kube.CoreV1().Secrets(first.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		second, err := secrets.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) && p.Secret == nil && slices.Contains(p.Marks.Choices.Keys, v1alpha1.KeyServiceBinding) {
			_, err = secrets.Create(ctx, credentials.NewServiceBinding(first, p.fresh()), metav1.CreateOptions{FieldManager: p.options.FieldManager})
			return err
		}
		if err != nil {
			return err
		}
		if !credentials.IsServiceBindingOf(second, first) {
			return nil
		}
		credentials.RenewServiceBinding(second, first)
		_, err = secrets.Update(ctx, second, metav1.UpdateOptions{FieldManager: p.options.FieldManager})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write secret/%s in namespace %s: %w", name, first.Namespace, err)
	}
	return nil
}
