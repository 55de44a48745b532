package binding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	taken := map[string]bool{}
	for i := range list.Items {
		if marks, ok := secret.MarksOf(&list.Items[i]); ok && marks.ID == p.binding.Owner.ID {
			return list.Items[i].Name, true, nil
		}
		taken[list.Items[i].Name] = true
	}
	for name = range p.secretNames {
		if !taken[name] && (r.claim(i, name) || name == p.spec.Secret) {
			return name, false, nil
		}
	}
	return name, true, nil
}

// probe does the same name by name, if Secrets cannot be listed.
func (r *run) probe(ctx context.Context, i *Item, p *Plan) (name string, present bool, err error) {
	for name = range p.secretNames {
		if !r.claim(i, name) {
			continue
		}
		found, err := r.Kube.CoreV1().Secrets(p.workload.Namespace()).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return name, false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("read secret/%s in namespace %s: %w", name, p.workload.Namespace(), err)
		}
		if marks, ok := secret.MarksOf(found); ok && marks.ID == p.binding.Owner.ID {
			break
		}
	}
	return name, true, nil
}

// secretNames yields the names that the Secret can get.
func (p *Plan) secretNames(yield func(string) bool) {
	if name := p.spec.Secret; name != "" {
		yield(name)
		return
	}
	secret.DefaultNames(yield)
}
