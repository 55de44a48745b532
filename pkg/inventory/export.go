package inventory

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// List is the bindings in their written form, as a List of kubectl.
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

// export is the binding in its written form.
func (b *Binding) export(now time.Time) *v1alpha1.Binding {
	return &v1alpha1.Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.SecretName, CreationTimestamp: metav1.NewTime(b.Created)},
		Spec: v1alpha1.BindingSpec{
			Workload: b.Marks.Workload, Postgres: b.Marks.Postgres, PostgresNamespace: b.Marks.PostgresNamespace, DBName: b.Marks.Database,
			Access: b.Marks.Access, Schemas: b.Marks.Schemas, Isolated: b.Marks.Isolated, Secret: b.SecretName,
		},
		Status: v1alpha1.BindingStatus{
			ID: b.Marks.ID, Role: b.Marks.Role, Generation: b.Marks.Generation, Location: b.Marks.Location,
			Expires: moment(b.Marks.Expires), Rotated: moment(b.Marks.Rotated), State: string(b.State(now)),
		},
	}
}

func moment(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC()}
}
