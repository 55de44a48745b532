package binding

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// errNotOurs reports that the name of the second Secret is taken.
var errNotOurs = errors.New("it exists and does not belong to this binding: choose another name with --secret")

// checkServiceBindingName refuses a second Secret whose name is taken.
func (r *run) checkServiceBindingName(ctx context.Context, p *Plan) error {
	if !p.requested.HasKey(v1alpha1.KeyServiceBinding) {
		return nil
	}
	namespace, name := p.workload.Namespace(), secret.ServiceBindingName(p.secret.name)
	found, err := r.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read secret/%s in namespace %s: %w", name, namespace, err)
	case p.secret.existing == nil || !secret.IsServiceBindingOf(found, p.secret.existing):
		return fmt.Errorf("secret/%s in namespace %s: %w", name, namespace, errNotOurs)
	}
	return nil
}

// serviceBinding writes the second Secret if it is requested.
func (r *run) serviceBinding(ctx context.Context, i *Item) error {
	if !i.Spec.HasKey(v1alpha1.KeyServiceBinding) {
		return nil
	}
	first := i.secret
	login, _ := secret.Of(first)
	wanted, err := secret.NewServiceBinding(first, i.plan.credentials(verified{host: login.Host, encrypted: i.result.SSL}))
	if err != nil {
		return err
	}
	secrets := r.Kube.CoreV1().Secrets(wanted.Namespace)
	created, err := secrets.Create(ctx, wanted, metav1.CreateOptions{FieldManager: i.plan.manager()})
	if err == nil {
		i.toRollBack.Push(r.deleteSecret(created))
		return nil
	}
	if apierrors.IsAlreadyExists(err) {
		err = r.updateServiceBinding(ctx, i, wanted)
	}
	if err != nil {
		return fmt.Errorf("write secret/%s in namespace %s: %w", wanted.Name, wanted.Namespace, err)
	}
	return nil
}

// updateServiceBinding updates an existing second Secret.
func (r *run) updateServiceBinding(ctx context.Context, i *Item, wanted *corev1.Secret) error {
	found, err := r.Kube.CoreV1().Secrets(wanted.Namespace).Get(ctx, wanted.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !secret.IsServiceBindingOf(found, i.secret) {
		return errNotOurs
	}
	fields, takenOver := fieldmanager.TakeOver(found.ManagedFields, i.plan.manager(), i.plan.previous.FieldManager)
	if equality.Semantic.DeepEqual(found.Data, wanted.Data) && !takenOver {
		return nil
	}
	_, err = r.patchSecret(ctx, i, found, secretPatch{Metadata: secretMetadata{ManagedFields: fields}, Data: wanted.Data})
	return err
}
