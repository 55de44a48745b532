package inventory

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// List returns the bindings as Binding objects in a List.
func (i *Inventory) List(now time.Time) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("List")
	for n := range i.Bindings {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(i.Bindings[n].export(now))
		if err != nil {
			return nil, fmt.Errorf("write the binding of secret/%s: %w", i.Bindings[n].SecretName, err)
		}
		list.Items = append(list.Items, unstructured.Unstructured{Object: fields})
	}
	return list, nil
}

// export returns the binding as a Binding object.
func (b *Binding) export(now time.Time) *v1alpha1.Binding {
	written := b.Marks.Written(types.NamespacedName{Namespace: b.Namespace, Name: b.SecretName})
	written.CreationTimestamp = metav1.NewTime(b.Created)
	written.Status.State = string(b.State(now))
	return written
}
