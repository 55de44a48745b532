package binding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// search looks through the names and the metadata of the Secrets in the namespace. If present, name is the binding's own Secret, or the
// requested one, which belongs to something else. Otherwise name is free.
func (r *run) search(ctx context.Context, i *Item, p *Plan) (name string, present bool, err error) {
	resource := corev1.SchemeGroupVersion.WithResource("secrets")
	list, err := r.Metadata.Resource(resource).Namespace(p.workload.Namespace()).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return r.probe(ctx, i, p)
	}
	if err != nil {
		return "", false, fmt.Errorf("list secrets in namespace %s: %w", p.workload.Namespace(), err)
	}
	taken, continued := map[string]bool{}, ""
	for i := range list.Items {
		marks, ok := secret.MarksOf(&list.Items[i])
		switch {
		case ok && marks.ID == p.id:
			return list.Items[i].Name, true, nil
		case ok && p.owns(marks):
			continued = list.Items[i].Name
		}
		taken[list.Items[i].Name] = true
	}
	if continued != "" {
		return continued, true, nil
	}
	names := p.secretNames(i)
	if name = r.firstFree(i, names, taken); name != "" {
		return name, false, nil
	}
	return r.lastName(i, names[len(names)-1])
}

// lastName returns the last of the names, which belongs to a Secret or to another item of this run.
func (r *run) lastName(i *Item, name string) (string, bool, error) {
	if !r.reserve(i, name) {
		return "", false, refuseTaken(types.NamespacedName{Namespace: i.namespace(), Name: name}, errTaken)
	}
	return name, true, nil
}

// probe does the same name by name, if Secrets cannot be listed.
func (r *run) probe(ctx context.Context, i *Item, p *Plan) (name string, present bool, err error) {
	names := p.secretNames(i)
	for _, name = range names {
		if !r.reserve(i, name) {
			continue
		}
		found, err := r.Kube.CoreV1().Secrets(p.workload.Namespace()).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return name, false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("read secret/%s in namespace %s: %w", name, p.workload.Namespace(), err)
		}
		if marks, ok := secret.MarksOf(found); ok && p.owns(marks) {
			return name, true, nil
		}
	}
	return r.lastName(i, names[len(names)-1])
}

// secretNames returns the names that the Secret can get.
func (p *Plan) secretNames(i *Item) []string {
	if p.spec.Secret != "" {
		return []string{p.spec.Secret}
	}
	return i.defaultNames()
}
