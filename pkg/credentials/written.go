package credentials

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// Written returns the Binding object for this metadata and the Secret of that name.
func (m Marks) Written(secret types.NamespacedName) *v1alpha1.Binding {
	return &v1alpha1.Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name},
		Spec: v1alpha1.BindingSpec{
			Workload: m.Workload, Postgres: m.Postgres, PostgresNamespace: m.PostgresNamespace, DBName: m.Database,
			Access: m.Access, Schemas: m.Schemas, Isolated: m.Isolated, Secret: secret.Name, Expires: moment(m.Expires), Choices: m.Choices,
		},
		Status: v1alpha1.BindingStatus{
			ID: m.ID, Role: m.Role, Generation: m.Generation, Location: m.Location, Expires: moment(m.Expires), Rotated: moment(m.Rotated),
		},
	}
}

func moment(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC()}
}
