package inventory

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// add adds the Secret of a binding of deployment.apps/web.
func add(t *testing.T, kube *fake.Clientset, name, database, owner string) {
	t.Helper()
	created, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: name}, secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/web", DBName: database, OwnerContainer: owner},
		BindingStatus: v1alpha1.BindingStatus{ID: name, Generation: 1, Location: "ns/pod/pg", Role: "r"},
	}, secret.Credentials{Host: "pg", Username: "r", Password: "p"})
	require.NoError(t, err)
	_, err = kube.CoreV1().Secrets("ns").Create(t.Context(), created, metav1.CreateOptions{})
	require.NoError(t, err)
}

func TestFindAll_FindsTheOwnerContainerToo(t *testing.T) {
	kube, web := fake.NewClientset(), Subject{Namespace: "ns", Name: "deployment.apps/web"}
	find := func(f Filter) (names []string, err error) {
		secrets, err := List(t.Context(), kube, "ns")
		require.NoError(t, err)
		found, err := secrets.FindAll(t.Context(), web, f)
		for _, b := range found {
			names = append(names, b.SecretName)
		}
		return names, err
	}
	names, err := find(Filter{})
	require.NoError(t, err)
	assert.Empty(t, names)

	add(t, kube, "web-pgbind", "shop", "")
	add(t, kube, "web-pgbind-owner", "shop", "migrate")
	names, err = find(Filter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"web-pgbind", "web-pgbind-owner"}, names)
	names, err = find(Filter{Secret: "web-pgbind-owner"}) //nolint:gosec // names of Secrets
	require.NoError(t, err)
	assert.Equal(t, []string{"web-pgbind-owner"}, names)
	secrets, err := List(t.Context(), kube, "ns")
	require.NoError(t, err)
	_, err = secrets.Find(t.Context(), web, Filter{})
	require.ErrorContains(
		t, err,
		"has several bindings: choose one with --secret: web-pgbind (database shop), web-pgbind-owner (database shop)",
	)

	add(t, kube, "web-pgbind-b", "b", "")
	_, err = find(Filter{})
	require.ErrorContains(t, err, "has several bindings")
	names, err = find(Filter{Database: "shop"})
	require.NoError(t, err)
	assert.Equal(t, []string{"web-pgbind", "web-pgbind-owner"}, names)
	add(t, kube, "twin", "b", "")
	_, err = find(Filter{Database: "b"})
	require.ErrorContains(t, err, "has several bindings", "two Secrets of the same binding")
}
