package inventory

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// Export returns the binding as a Binding object.
func (b *Entry) Export(now time.Time) *v1alpha1.Binding {
	written := b.Marks.Binding(types.NamespacedName{Namespace: b.Namespace, Name: b.SecretName})
	written.CreationTimestamp = metav1.NewTime(b.Created)
	written.Status.State = string(b.State(now))
	return written
}

// AccessRole returns the access that the metadata names. Only the server knows whether its role exists.
func (b *Entry) AccessRole() postgres.Access {
	return AccessOf(b.Marks)
}
