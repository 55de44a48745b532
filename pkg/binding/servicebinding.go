package binding

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// errNotOurs says that the second Secret's name is taken.
var errNotOurs = errors.New("it exists and is not this binding's: choose another name with --secret")

// tryServiceBinding refuses a second Secret whose name is taken.
func (r *run) tryServiceBinding(ctx context.Context, p *Plan) error {
	if !p.options.Keys.ServiceBinding {
		return nil
	}
	namespace, name := p.workload.Namespace(), credentials.ServiceBindingName(p.secret.name)
	found, err := r.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read secret/%s in namespace %s: %w", name, namespace, err)
	case p.secret.existing == nil || !credentials.IsServiceBindingOf(found, p.secret.existing):
		return fmt.Errorf("secret/%s in namespace %s: %w", name, namespace, errNotOurs)
	}
	return nil
}

// serviceBinding writes the second Secret, if it is wanted.
func (r *run) serviceBinding(ctx context.Context, i *Item) error {
	if !i.Options.Keys.ServiceBinding {
		return nil
	}
	first := i.secret
	login := verified{host: string(first.Data[credentials.KeyHost]), encrypted: i.result.SSL}
	wanted := credentials.NewServiceBinding(first, i.plan.credentials(login))
	secrets := r.Kube.CoreV1().Secrets(wanted.Namespace)
	created, err := secrets.Create(ctx, wanted, metav1.CreateOptions{FieldManager: i.Options.FieldManager})
	if err == nil {
		i.made.Push(r.deleteSecret(created))
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

// updateServiceBinding brings the second Secret up to date.
func (r *run) updateServiceBinding(ctx context.Context, i *Item, wanted *corev1.Secret) error {
	found, err := r.Kube.CoreV1().Secrets(wanted.Namespace).Get(ctx, wanted.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !credentials.IsServiceBindingOf(found, i.secret) {
		return errNotOurs
	}
	if equality.Semantic.DeepEqual(found.Data, wanted.Data) {
		return nil
	}
	wanted.ResourceVersion = found.ResourceVersion
	_, err = r.patchSecret(ctx, i.Options, wanted)
	return err
}
