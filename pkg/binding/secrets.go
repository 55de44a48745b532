package binding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// secrets writes the Secrets of the items.
func (r *run) secrets(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		err := r.secret(ctx, i)
		if err == nil {
			i.result.Did = slices.Compact(i.did)
			i.explain()
			r.warnOfDatabase(i)
			err = r.serviceBinding(ctx, i)
		}
		switch {
		case err == nil:
		case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
			i.retry(err)
		default:
			i.Fail(err)
		}
	})
}

// secret creates the Secret, or adds what an existing one lacks.
func (r *run) secret(ctx context.Context, i *Item) error {
	if i.plan.secret.existing != nil {
		return r.extendSecret(ctx, i)
	}
	created, err := r.createSecret(ctx, i)
	if created != nil {
		i.toRollBack.Push(r.deleteSecret(created))
		i.isNew, i.newSecret, i.secret = true, created.Name, created
	}
	return err
}

// login returns what the item's login showed.
func (i *Item) login() verified { return verified{host: i.result.Host, encrypted: i.result.SSL} }

// createSecret returns the new Secret, also with an error: if the connection broke, the API server can have created it.
func (r *run) createSecret(ctx context.Context, i *Item) (*corev1.Secret, error) {
	name, secrets := i.plan.secret.name, r.Kube.CoreV1().Secrets(i.namespace())
	wanted, err := i.plan.newSecret(i.login())
	if err != nil {
		return nil, err
	}
	created, err := secrets.Create(ctx, wanted, metav1.CreateOptions{FieldManager: i.plan.manager()})
	if err == nil {
		return created, nil
	}
	err = fmt.Errorf("create secret/%s in namespace %s: %w", name, i.namespace(), err)
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return nil, err
	}
	later, cancel := rollback.AfterEnd(ctx, rollback.DefaultLimit)
	defer cancel()
	found, readErr := secrets.Get(later, name, metav1.GetOptions{})
	if readErr != nil {
		return nil, err
	}
	if marks, ok := secret.MarksOf(found); !ok || marks.Run != i.run {
		return nil, err
	}
	if ctx.Err() != nil {
		return found, err
	}
	return found, nil
}

// extendSecret adds the keys and the metadata that the existing Secret lacks, and removes keys of presets that another one replaces. It
// takes over the fields of former field managers.
func (r *run) extendSecret(ctx context.Context, i *Item) error {
	existing := i.plan.secret.existing
	wanted, err := i.plan.wantedSecret(i.login())
	if err != nil {
		return err
	}
	change := changesOf(existing, wanted)
	fields, takenOver := fieldmanager.TakeOver(existing.ManagedFields, i.plan.manager(), i.plan.previous.FieldManager)
	change.Metadata.ManagedFields = fields
	if len(change.Data) == 0 && len(change.Metadata.Annotations) == 0 && !takenOver {
		return nil
	}
	patched, err := r.patchSecret(ctx, i, existing, change)
	if err != nil {
		return err
	}
	if i.plan.adopted != nil {
		i.toRollBack.Push(r.restoreMetadata(i, existing, patched))
	}
	i.secret, i.extended = patched, true
	i.renamed = i.renamed || !maps.EqualFunc(existing.Data, patched.Data, func(_, _ []byte) bool { return true })
	return nil
}

// secretPatch is a merge patch of a Secret.
type secretPatch struct {
	Metadata secretMetadata    `json:"metadata"`
	Data     map[string][]byte `json:"data,omitempty"` // nil removes a key
}

// changesOf returns the patch of data and annotations.
func changesOf(existing, wanted *corev1.Secret) secretPatch {
	change := secretPatch{Data: map[string][]byte{}, Metadata: secretMetadata{Annotations: map[string]*string{}}}
	for name, value := range wanted.Data {
		if held, there := existing.Data[name]; !there || !bytes.Equal(held, value) {
			change.Data[name] = value
		}
	}
	for name := range existing.Data {
		if _, stays := wanted.Data[name]; !stays {
			change.Data[name] = nil
		}
	}
	for name, value := range wanted.Annotations {
		if held, there := existing.Annotations[name]; !there || held != value {
			change.Metadata.Annotations[name] = &value
		}
	}
	for name, value := range wanted.Labels {
		if held, there := existing.Labels[name]; !there || held != value {
			if change.Metadata.Labels == nil {
				change.Metadata.Labels = map[string]*string{}
			}
			change.Metadata.Labels[name] = &value
		}
	}
	for name := range existing.Annotations {
		if _, stays := wanted.Annotations[name]; !stays {
			change.Metadata.Annotations[name] = nil
		}
	}
	return change
}

type secretMetadata struct {
	ResourceVersion string                      `json:"resourceVersion"`
	Labels          map[string]*string          `json:"labels,omitempty"`        // nil removes one
	Annotations     map[string]*string          `json:"annotations,omitempty"`   // the same
	ManagedFields   []metav1.ManagedFieldsEntry `json:"managedFields,omitempty"` // nil: the API server keeps them
}

// patchSecret changes a Secret, unless another writer has changed it since it was read.
func (r *run) patchSecret(ctx context.Context, i *Item, secret *corev1.Secret, change secretPatch) (*corev1.Secret, error) {
	change.Metadata.ResourceVersion = secret.ResourceVersion
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, fmt.Errorf("write the patch of secret/%s: %w", secret.Name, err)
	}
	options := metav1.PatchOptions{FieldManager: i.plan.manager()}
	patched, err := r.Kube.CoreV1().Secrets(secret.Namespace).Patch(ctx, secret.Name, types.MergePatchType, patch, options)
	if err != nil {
		return nil, fmt.Errorf("change secret/%s in namespace %s: %w", secret.Name, secret.Namespace, err)
	}
	return patched, nil
}

// deleteSecret deletes a Secret that this run created, but not a later one of its name.
func (r *run) deleteSecret(created *corev1.Secret) rollback.Step {
	return rollback.Step{
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
