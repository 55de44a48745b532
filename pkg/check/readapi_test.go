package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// absent has no workload, except for one that cannot be read.
type absent struct {
	*readers
	unreadable string
	lookups    [][]string
}

func (a *absent) LookupAll(_ context.Context, _ string, names []string) []*workload.Named {
	a.lookups = append(a.lookups, names)
	var found []*workload.Named
	for _, name := range names {
		n := &workload.Named{Name: name}
		if name == a.unreadable {
			n.Err = errors.New("no permission")
		}
		found = append(found, n)
	}
	return found
}

// TestReadAPI_ReadsManyBindingsWithOneListOfSecrets counts requests: 13 bindings, of which one has lost the label of its Secret and one
// its Secret.
func TestReadAPI_ReadsManyBindingsWithOneListOfSecrets(t *testing.T) {
	for _, test := range []struct {
		forbidden bool
		requests  []string
	}{
		{requests: []string{"get", "get", "list"}},
		{forbidden: true, requests: append(slices.Repeat([]string{"get"}, 13), "list")},
	} {
		var items []facts
		var objects []runtime.Object
		for n := range 13 {
			name := fmt.Sprintf("s%02d", n)
			marks := secret.Marks{
				BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/" + name, Postgres: "pod/pg-0"},
				BindingStatus: v1alpha1.BindingStatus{ID: name, Role: "role-" + name, Generation: 1},
			}
			items = append(items, facts{binding: &inventory.Entry{Namespace: "ns", SecretName: name, Marks: marks}})
			stored, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: name}, marks,
				secret.Credentials{Host: "h", Username: marks.Role, Password: "p"})
			require.NoError(t, err)
			if n == 3 {
				stored.Labels = nil
			}
			if n != 5 {
				objects = append(objects, stored)
			}
		}
		kube := fake.NewCluster(
			t,
			[]string{"get namespaces", "get secrets", "list secrets"},
			func(action clienttesting.Action) (bool, runtime.Object, error) {
				refused := test.forbidden && action.GetVerb() == "list"
				return refused, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", nil)
			},
			objects...)
		workloads := &absent{unreadable: "deployment.apps/s07"}

		(&Checker{Kube: kube, Workloads: workloads}).readAPI(t.Context(), items)

		var requests []string
		for _, action := range kube.Actions() {
			if action.GetResource().Resource == "secrets" {
				requests = append(requests, action.GetVerb())
			}
		}
		assert.ElementsMatch(t, test.requests, requests)
		require.Len(t, workloads.lookups, 1)
		assert.Len(t, workloads.lookups[0], 13)
		for n, f := range items {
			switch n {
			case 5:
				assert.Equal(t, inventory.Absent, f.binding.Secret)
			default:
				assert.Equal(t, fmt.Sprintf("role-s%02d", n), f.credentials.Username)
			}
			if n == 7 {
				require.ErrorContains(t, f.workloadErr, "no permission")
				continue
			}
			require.NoError(t, f.workloadErr)
			assert.Equal(t, inventory.Absent, f.binding.Workload)
		}
	}
}
