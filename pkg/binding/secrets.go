package binding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// secrets writes the Secrets of the items.
func (r *run) secrets(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		err := r.secret(ctx, i)
		if err == nil {
			i.result.Did = slices.Compact(i.did)
			i.explain()
			err = r.serviceBinding(ctx, i)
		}
		switch {
		case err == nil:
		case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
			i.again(err)
		default:
			i.fail(err)
		}
	})
}

// secret creates the Secret; one that is there gets what it lacks.
func (r *run) secret(ctx context.Context, i *Item) error {
	if i.plan.secret.existing != nil {
		return r.extendSecret(ctx, i)
	}
	created, err := r.createSecret(ctx, i)
	if created != nil {
		i.made.Push(r.deleteSecret(created))
		i.isNew, i.newSecret, i.secret = true, created.Name, created
	}
	return err
}

// login is what the item's login has shown.
func (i *Item) login() verified { return verified{host: i.result.Host, encrypted: i.result.SSL} }

// createSecret returns the new Secret, also beside an error: when the connection broke, the API server may have created it all the same.
func (r *run) createSecret(ctx context.Context, i *Item) (*corev1.Secret, error) {
	name, secrets := i.plan.secret.name, r.Kube.CoreV1().Secrets(i.namespace())
	created, err := secrets.Create(ctx, i.plan.newSecret(i.login()), metav1.CreateOptions{FieldManager: i.Options.FieldManager})
	if err == nil {
		return created, nil
	}
	err = fmt.Errorf("create secret/%s in namespace %s: %w", name, i.namespace(), err)
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return nil, err
	}
	later, cancel := undo.AfterEnd(ctx, undo.DefaultLimit)
	defer cancel()
	found, readErr := secrets.Get(later, name, metav1.GetOptions{})
	if readErr != nil {
		return nil, err
	}
	if marks, ok := credentials.MarksOf(found); !ok || marks.Run != i.run {
		return nil, err
	}
	if ctx.Err() != nil {
		return found, err
	}
	return found, nil
}

// extendSecret adds to the binding's Secret the keys and the metadata that it lacks, so that an option can be given later. It removes nothing.
func (r *run) extendSecret(ctx context.Context, i *Item) error {
	existing, lacks := i.plan.secret.existing, map[string][]byte{}
	for name, value := range i.plan.wantedData(i.login()) {
		if held, there := existing.Data[name]; !there || !bytes.Equal(held, value) {
			lacks[name] = value
		}
	}
	marks := i.plan.marksToChange()
	if len(lacks) == 0 && len(marks) == 0 {
		return nil
	}
	patched, err := r.patchSecret(ctx, i.Options, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: existing.Namespace, Name: existing.Name, ResourceVersion: existing.ResourceVersion, Annotations: marks,
	}, Data: lacks})
	if err != nil {
		return err
	}
	i.secret, i.extended = patched, true
	return nil
}

// patchSecret merges what is set in change into the Secret of its name.
func (r *run) patchSecret(ctx context.Context, o Options, change *corev1.Secret) (*corev1.Secret, error) {
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("write the patch of secret/%s: %w", change.Name, err)
	}
	options := metav1.PatchOptions{FieldManager: o.FieldManager}
	patched, err := r.Kube.CoreV1().Secrets(change.Namespace).Patch(ctx, change.Name, types.MergePatchType, patch, options)
	if err != nil {
		return nil, fmt.Errorf("change secret/%s in namespace %s: %w", change.Name, change.Namespace, err)
	}
	return patched, nil
}

// deleteSecret rolls back a Secret that this run created, and no later one of its name.
func (r *run) deleteSecret(created *corev1.Secret) undo.Step {
	return undo.Step{
		What: "secret/" + created.Name,
		How:  fmt.Sprintf("kubectl delete secret -n %s %s", created.Namespace, created.Name),
		Do: func(ctx context.Context) (bool, error) {
			options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &created.UID}}
			err := r.Kube.CoreV1().Secrets(created.Namespace).Delete(ctx, created.Name, options)
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			return err == nil, err
		},
	}
}
