package binding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func ofStatefulSet(i *Item) { i.Spec.Postgres = "statefulset/pg" }

func TestThePrimaryIsWhatTheServersSay(t *testing.T) {
	w := newWorld(t)
	w.primary = "postgresql-sfs-2"
	require.NoError(t, w.bind(t.Context(), ofStatefulSet))
	assert.Equal(t, []string{"postgresql-sfs-0", "postgresql-sfs-1", "postgresql-sfs-2"}, w.asked)
	w.assertBound()
}

func TestAPrimaryThatMovedIsFoundAgain(t *testing.T) {
	t.Run("before the role is made", func(t *testing.T) {
		w := newWorld(t)
		w.primary = "none yet"
		w.moves = func() { w.primary = "postgresql-sfs-1" }
		require.NoError(t, w.bind(t.Context(), ofStatefulSet))
		assert.Equal(
			t,
			[]string{"postgresql-sfs-0", "postgresql-sfs-1", "postgresql-sfs-2", "postgresql-sfs-0", "postgresql-sfs-1"},
			w.asked,
		)
		w.assertBound()
	})
	t.Run("after it", func(t *testing.T) {
		w := newWorld(t)
		w.primary = "postgresql-sfs-0"
		w.before["psql"] = func() { w.primary = "postgresql-sfs-1" }
		require.NoError(t, w.bind(t.Context(), ofStatefulSet))
		assert.Equal(t, []string{"postgresql-sfs-0", "postgresql-sfs-1"}, w.asked)
		w.assertBound()
	})
}

func TestWithoutAPrimaryNothingIsLeft(t *testing.T) {
	for advice, change := range map[string]func(*Item){
		"statefulset/pg in namespace ns has no primary now": ofStatefulSet, "name the primary, or its Service, with --postgres": func(*Item) {},
	} {
		w := newWorld(t)
		w.primary = "elsewhere"
		err := w.bind(t.Context(), change)
		require.ErrorIs(t, err, postgres.ErrStandby)
		require.ErrorContains(t, err, advice)
		w.assertUntouched()
	}
}

func TestBind_StaysWithTheServerOfItsPod(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	w.primary = "postgresql-sfs-1"
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, w.primary, w.finished[0].plan.endpoint.Pod.Name, "the Pod of the binding is a standby now")
	w.assertBound()
}

func TestBind_VerifiesTheHostOfTheSecret(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	w.leader = "leader"
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "svc.ns.svc", w.finished[0].verifiedFor.Login.Host, "the binding stays as it is")
	assert.Equal(t, "svc.ns.svc", string(w.secret().Data["POSTGRES_HOST"]))

	require.NoError(t, w.bind(t.Context(), ofStatefulSet))
	assert.Equal(t, "leader.ns.svc", w.finished[0].verifiedFor.Login.Host, "the user names the server otherwise")
	assert.Equal(t, "leader.ns.svc", string(w.secret().Data["POSTGRES_HOST"]))
	marks, _ := secret.MarksOf(w.secret())
	assert.Equal(t, "leader.ns.svc", marks.BindingStatus.Host)
	assert.Empty(t, marks.BindingSpec.Host, "it was not chosen")
}
