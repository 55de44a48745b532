package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// withMigration adds workloads with an init container.
func withMigration(t *testing.T, names ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.add(names...)
	for _, name := range names {
		w.workloads[name].Template().Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
	}
	return w
}

// split returns the items of a command line for the workload a.
func (w *world) split(spec v1alpha1.BindingSpec) []*Item {
	spec.Postgres = "pod/postgresql-sfs-0"
	var items []*Item
	for _, one := range spec.Split() {
		items = append(items, &Item{Workload: w.workloads["a"], Spec: one, Options: Options{Wait: true, Timeout: time.Minute}, Report: w})
	}
	return items
}

// secretsOf returns the Secrets that the containers of a workload refer to, init containers first.
func (w *world) secretsOf(name string) (found []string) {
	spec := w.workloads[name].Template().Spec
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		for _, e := range c.EnvFrom {
			found = append(found, c.Name+" "+e.SecretRef.Name)
		}
	}
	return found
}

func TestOwnerContainer_GetsABindingOfItsOwn(t *testing.T) {
	w := withMigration(t, "a", "b")
	spec := v1alpha1.BindingSpec{OwnerContainer: "migrate", Access: "readwrite"}
	items := w.split(spec)
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: 2}, outcomes(items))
	assert.Equal(t, []int{2}, w.execs, "one session creates both")
	assert.Equal(t, []string{"migrate a-pgbind-owner", "app " + secretName}, w.secretsOf("a"))
	for n, want := range []v1alpha1.BindingSpec{{Access: "readwrite"}, {Access: "all", OwnerContainer: "migrate"}} {
		got := items[n].Binding.Spec
		assert.Equal(t, want, v1alpha1.BindingSpec{Access: got.Access, OwnerContainer: got.OwnerContainer, Containers: got.Containers})
		assert.Len(t, secret.AnnotationsOf(w.workloads["a"].Annotations()), 2)
	}
	assert.NotEqual(t, items[0].Binding.Status.ID, items[1].Binding.Status.ID)

	for _, again := range []v1alpha1.BindingSpec{
		spec, {Access: "readwrite", Containers: []string{"*"}}, {OwnerContainer: "migrate"}, {OwnerContainer: "migrate", Access: "readwrite", Containers: []string{"*"}},
	} {
		w.log = nil
		items = w.split(again)
		require.NoError(t, w.pipeline().Run(t.Context(), items))
		assert.Equal(t, map[Outcome]int{Unchanged: len(items)}, outcomesButStored(items), "%+v", again)
		assert.Equal(t, []string{"migrate a-pgbind-owner", "app " + secretName}, w.secretsOf("a"))
		assert.Len(t, w.roles, 2)
	}

	items = w.items("workload: deployment/b, ownerContainer: migrate, access: readonly, containers: ['*'], postgres: pod/postgresql-sfs-0")
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: 2}, outcomes(items))
	assert.Equal(t, []string{"migrate b-pgbind-owner", "app b-pgbind"}, w.secretsOf("b"), "as with flags")
}

// outcomesButStored counts the outcomes. A spec with other containers is stored, which changes no reference.
func outcomesButStored(items []*Item) map[Outcome]int {
	counts := outcomes(items)
	counts[Unchanged] += counts[Configured]
	delete(counts, Configured)
	return counts
}

func TestOwnerContainer_Changes(t *testing.T) {
	w := withMigration(t, "a")
	w.workloads["a"].Template().Spec.InitContainers = append(
		w.workloads["a"].Template().Spec.InitContainers,
		corev1.Container{Name: "other"},
	)
	for _, container := range []string{"migrate", "other"} {
		items := w.split(v1alpha1.BindingSpec{OwnerContainer: container})
		require.NoError(t, w.pipeline().Run(t.Context(), items))
		require.Len(t, items, 1)
		require.NoError(t, items[0].Err)
		assert.Equal(t, []string{container + " a-pgbind-owner"}, w.secretsOf("a"))
	}
	items := w.split(v1alpha1.BindingSpec{Containers: []string{"other"}})
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	require.ErrorContains(t, items[0].Err, "is an owner container")
}

func TestOwnerContainer_IsAnotherBindingInFiles(t *testing.T) {
	w := withMigration(t, "a")
	const others, owner = "workload: deployment/a, access: readwrite", "workload: deployment/a, ownerContainer: migrate, access: all"
	require.ErrorContains(t, w.pipeline().Run(t.Context(), w.items(others+", ownerContainer: migrate", owner)), "this is the binding")
	items := w.items(others, owner)
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: 2}, outcomes(items))
	var found []inventory.Entry
	for _, i := range items {
		found = append(found, inventory.Entry{Namespace: "ns", SecretName: i.Binding.Name, Secret: inventory.Present, Marks: secret.Marks{
			BindingSpec: i.Binding.Spec, BindingStatus: i.Binding.Status,
		}})
	}
	for n, difference := range Compare(items, found, time.Now()) {
		require.NotNil(t, difference.Live)
		assert.Equal(t, found[n].SecretName, difference.Live.Spec.Secret)
	}
	unnamed := Unnamed(items[:1], nil, found)
	require.Len(t, unnamed, 1)
	assert.Equal(t, "a-pgbind-owner", unnamed[0].SecretName)
}

func TestValidate_OwnerContainer(t *testing.T) {
	for _, spec := range []v1alpha1.BindingSpec{
		{OwnerContainer: "migrate", Containers: []string{"web"}}, {OwnerContainer: "migrate", Isolated: true}, {OwnerContainer: "a b"},
	} {
		found := Validate(spec)
		require.NotEmpty(t, found)
		assert.Equal(t, "ownerContainer", found[0].Field)
	}
	assert.Empty(t, Validate(v1alpha1.BindingSpec{OwnerContainer: "migrate", Access: "readonly", Containers: []string{"web"}}))
}
