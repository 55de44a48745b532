package binding

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// stored returns the repairs of all bindings of the namespace, by what their Secrets store.
func (w *world) stored() (repairs []*Item) {
	w.t.Helper()
	list, err := w.kube.Tracker().List(
		corev1.SchemeGroupVersion.WithResource("secrets"), corev1.SchemeGroupVersion.WithKind("Secret"), "ns",
	)
	require.NoError(w.t, err)
	secrets, _ := list.(*corev1.SecretList)
	for i := range secrets.Items {
		marks, ok := secret.MarksOf(&secrets.Items[i])
		require.True(w.t, ok)
		item := NewRepair("ns", marks.BindingSpec, Options{Wait: true, Timeout: time.Minute})
		item.Report = w
		repairs = append(repairs, item)
	}
	return repairs
}

func TestRepair_CreatesRolesAgainWithTheirPasswords(t *testing.T) {
	const number = 100
	w := withWorkloads(t, number)
	w.apply(t.Context(), specs(number)...)
	passwords := map[string]string{}
	for name, role := range w.roles {
		passwords[name] = role.password
	}
	w.roles = map[string]*roleState{}
	workloads := maps.Clone(w.workloads)
	w.log, w.execs, w.verified = nil, nil, 0

	items := w.stored()
	require.Len(t, items, number)
	pipeline := w.pipeline()
	pipeline.ServerConcurrency = 1
	require.NoError(t, pipeline.Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Configured: number}, outcomes(items))
	assert.Equal(t, []int{number, number}, w.execs, "one exec finds that all roles are missing, and one creates them")
	assert.Equal(t, number, w.verified)
	for name, role := range w.roles {
		assert.Equal(t, passwords[name], role.password, name)
	}
	assert.Len(t, w.roles, number)
	assert.Equal(t, workloads, w.workloads, "no workload changes, so that no Pod restarts")
	assert.NotContains(t, w.log, "patch")
	assert.NotContains(t, w.log, "rollout")
}

func TestRepair_FindsSecretAndUserByWhatExists(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), func(i *Item) {
		i.Spec.Secret, i.Spec.Username, i.Spec.PasswordFrom, i.Options.Values.Password = "chosen", "shop", "secret/gone:password", "p-of-the-user"
	}))
	w.roles = map[string]*roleState{}
	items := w.stored()
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	require.NoError(t, items[0].Err, "the Secret that the password came from is not read")
	assert.Equal(t, []string{"shop"}, slices.Collect(maps.Keys(w.roles)))
	assert.Equal(t, "p-of-the-user", w.roles["shop"].password)
	assert.Equal(t, "ns/chosen", fmt.Sprintf("%s/%s", items[0].Binding.Namespace, items[0].Binding.Name))
}
