package binding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func ofStatefulSet(i *Item) { i.Spec.Postgres = "statefulset/pg" }

func TestThePrimaryIsWhatTheServersSay(t *testing.T) {
	w := newWorld(t)
	w.primary = "pg-2"
	require.NoError(t, w.bind(t.Context(), ofStatefulSet))
	assert.Equal(t, []string{"pg-0", "pg-1", "pg-2"}, w.asked)
	w.assertBound()
}

func TestAPrimaryThatMovedIsFoundAgain(t *testing.T) {
	t.Run("before the role is made", func(t *testing.T) {
		w := newWorld(t)
		w.primary = "none yet"
		w.moves = func() { w.primary = "pg-1" }
		require.NoError(t, w.bind(t.Context(), ofStatefulSet))
		assert.Equal(t, []string{"pg-0", "pg-1", "pg-2", "pg-0", "pg-1"}, w.asked)
		w.assertBound()
	})
	t.Run("after it", func(t *testing.T) {
		w := newWorld(t)
		w.primary = "pg-0"
		w.before["psql"] = func() { w.primary = "pg-1" }
		require.NoError(t, w.bind(t.Context(), ofStatefulSet))
		assert.Equal(t, []string{"pg-0", "pg-1"}, w.asked)
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
