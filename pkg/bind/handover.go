package bind

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// secret writes the Secret; one that is there gets what it lacks. errOvertaken means that another run for this workload has made it.
func (b *Binder) secret(ctx context.Context, p *plan, host string, made *undo.Stack) error {
	if p.secret.existing != nil {
		return b.extendSecret(ctx, p, host)
	}
	for p.secret.existing == nil {
		created, err := b.createSecret(ctx, p, host)
		if created != nil {
			made.Push(b.deleteSecret(created))
			p.secret.created, p.secret.existing = true, created
		}
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		if err := b.chooseAgain(ctx, p); err != nil {
			return err
		}
		if p.secret.existing != nil {
			return errOvertaken
		}
	}
	return nil
}

// createSecret returns the new Secret, also beside an error: when the connection broke, the API server may have made it all the same.
func (b *Binder) createSecret(ctx context.Context, p *plan, host string) (*corev1.Secret, error) {
	secrets := b.Kube.CoreV1().Secrets(p.workload.Namespace())
	created, err := secrets.Create(ctx, p.newSecret(host), metav1.CreateOptions{FieldManager: p.options.FieldManager})
	if err == nil {
		return created, nil
	}
	err = fmt.Errorf("create secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return nil, err
	}
	later, cancel := undo.AfterEnd(ctx, undo.DefaultLimit)
	defer cancel()
	found, readErr := secrets.Get(later, p.secret.name, metav1.GetOptions{})
	if readErr != nil {
		return nil, err
	}
	if marks, ok := credentials.MarksOf(found); !ok || marks.Run != p.binding.Owner.Run {
		return nil, err
	}
	if ctx.Err() != nil {
		return found, err
	}
	return found, nil
}

// deleteSecret takes back a Secret that this run made, and no later one of its name.
func (b *Binder) deleteSecret(created *corev1.Secret) undo.Step {
	return undo.Step{
		What: "secret/" + created.Name,
		How:  fmt.Sprintf("kubectl delete secret -n %s %s", created.Namespace, created.Name),
		Do: func(ctx context.Context) (bool, error) {
			options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &created.UID}}
			err := b.Kube.CoreV1().Secrets(created.Namespace).Delete(ctx, created.Name, options)
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			return err == nil, err
		},
	}
}
