package binding

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func unnamed(i *Item) { i.Spec = v1alpha1.BindingSpec{} }

func TestBind_CompletesTheSpecFirst(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), unnamed))
	require.Len(t, w.completed, 2, "the target, and the access level")
	assert.Empty(t, w.completed[0].Bound)
	marks, ok := secret.MarksOf(w.secret())
	require.True(t, ok)
	assert.Equal(t, "pod/postgresql-sfs-0", marks.Postgres)
	assert.Equal(t, "postgres", marks.DBName)

	w.completed = nil
	require.NoError(t, w.bind(t.Context(), unnamed))
	require.Len(t, w.completed[0].Bound, 1, "the workload's own binding")
	assert.Equal(t, secretName, w.completed[0].Bound[0].Secret)

	w.completed = nil
	require.NoError(t, w.bind(t.Context(), func(i *Item) {
		i.Spec = v1alpha1.BindingSpec{Postgres: "pod/postgresql-sfs-0", DBName: "postgres", Access: "all"}
	}))
	assert.Empty(t, w.completed, "a complete spec stays")
}

func TestBind_FindsTheServerOnce(t *testing.T) {
	w := newWorld(t)
	found, err := w.Candidates(t.Context(), server.Ref{Kind: server.KindPod, Name: "postgresql-sfs-0", Namespace: "ns"}, server.Choice{})
	require.NoError(t, err)
	w.foundBefore, w.searches = found, 0
	require.NoError(t, w.bind(t.Context()))
	assert.Zero(t, w.searches)
	w.assertBound()
}

func TestBind_FailsIfNothingNamesTheServer(t *testing.T) {
	w := newWorld(t)
	w.always["complete "] = errors.New("choose one")
	require.EqualError(t, w.bind(t.Context(), unnamed), "choose one")
	w.assertUntouched()
	assert.Empty(t, w.kube.Actions())
}

func TestApply_CompletesFiles(t *testing.T) {
	password := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "admin"},
		Data:       map[string][]byte{"key": []byte("hidden")},
	}
	w := newWorld(t, password)
	items := w.apply(t.Context(), "workload: deployment/web, adminPasswordFrom: 'secret/admin:key'", "workload: deployment/absent")
	require.NoError(t, items[0].Err)
	require.ErrorContains(t, items[1].Err, "not found")
	assert.Equal(t, "hidden", w.completed[0].AdminPassword, "reading the databases of a server can need it")
	assert.Equal(t, "postgres", items[0].Spec.DBName)
	err := w.pipeline().Run(
		t.Context(),
		w.items("workload: deployment/web, secret: a", "workload: deployment/web, secret: b, postgres: postgresql-sfs-0"),
	)
	require.ErrorContains(t, err, "stdin:10: spec", "the same server by another name is a duplicate")
}

func TestCompleteFrom_KnowsTheInventory(t *testing.T) {
	w := newWorld(t)
	items := w.items("workload: deploy/web, access: readonly", "workload: deployment/other, postgres: pod/pg, dbname: shop, access: all")
	b := inventory.Entry{
		Namespace:  "ns",
		SecretName: "s",
		Marks:      secret.Marks{BindingSpec: v1alpha1.BindingSpec{Workload: "deployment.apps/web", DBName: "shop"}},
	}
	require.NoError(t, CompleteFrom(t.Context(), w, items, []inventory.Entry{b}))
	require.Len(t, w.completed, 1)
	require.Len(t, w.completed[0].Bound, 1)
	assert.Equal(t, "s", w.completed[0].Bound[0].Secret)
	assert.Equal(t, "pod/postgresql-sfs-0", items[0].Spec.Postgres)
	w.always["complete deploy/web"] = errors.New("choose one")
	require.EqualError(t, CompleteFrom(t.Context(), w, w.items("workload: deploy/web"), nil), "choose one")
}
