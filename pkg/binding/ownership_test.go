package binding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func handingOver(i *Item) { i.FormerLogin, i.OwnedBefore = "boss", []string{"table x"} }

func TestTransferOwnership_ComesBeforeThePods(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), handingOver))
	assert.Equal(t, []string{"createuser", "psql", "create secrets", "hand over", "patch", "rollout"}, w.log)
	marks, _ := secret.MarksOf(w.secret())
	assert.Equal(t, "boss", marks.FormerLogin)
	assert.Equal(t, []string{"table x"}, marks.OwnedBefore)

	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.FormerLogin, i.OwnedBefore = "boss", []string{"table x", "table y"} }))
	assert.Equal(t, []string{"hand over"}, w.log, "it can be repeated")
	marks, _ = secret.MarksOf(w.secret())
	assert.Equal(t, []string{"table x"}, marks.OwnedBefore, "by now the access role owns more")
}

func TestTransferOwnership_RollsBackAfterAFailure(t *testing.T) {
	for _, step := range []string{"hand over", "patch"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t)
			w.owner, w.fail[step] = "boss", errRefused
			require.ErrorIs(t, w.bind(t.Context(), handingOver), errRefused)
			assert.Equal(t, "boss", w.owner)
			w.assertUntouched()
			assert.Equal(t, []string{"give back", "delete secrets", "drop role"}, w.log[len(w.log)-3:])
		})
	}
}
