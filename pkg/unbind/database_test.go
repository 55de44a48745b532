package unbind

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func TestUnbind_DropsTheDatabase(t *testing.T) {
	inWorld(t, func(w *world) {
		confirmed, answer := 0, errBroken
		drops := func(o *Options) {
			o.DropDatabase = true
			o.ConfirmDrop = func(_ context.Context, name string) error {
				assert.Equal(w.t, "postgres", name)
				confirmed++
				return answer
			}
		}
		require.ErrorIs(w.t, w.unbind(drops), errBroken, "not confirmed")
		w.assertBound()
		answer, w.Fail["check database"] = nil, &postgres.UsedDatabaseError{Database: "postgres", Users: []string{"a session of x"}}
		require.ErrorContains(w.t, w.unbind(drops), "a session of x")
		w.assertBound()
		require.NoError(w.t, w.unbind(drops, func(o *Options) { o.DryRun = cmdutil.DryRunServer }))
		assert.Contains(w.t, w.Results, "database/postgres dropped")
		w.assertBound()
		assert.Equal(w.t, 1, confirmed, "what is refused or only shown needs no confirmation")

		w.Lose["drop database"] = errBroken
		require.ErrorIs(w.t, w.unbind(drops), errBroken)
		require.NoError(w.t, w.unbind(drops))
		assert.Equal(w.t, []string{"drop database", "purge " + accessRole, "delete secret", "patch note"}, w.Log[len(w.Log)-4:])
		w.assertUnbound()
	})
}
