package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func TestRotate_GoesOnAfterFailover(t *testing.T) {
	for _, step := range append([]string{"end idle of " + first}, final()...) {
		for name, err := range map[string]error{"standby": postgres.ErrStandby, "stopped": &postgres.SQLError{State: "57P02"}} {
			t.Run(name+" at "+step, func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.Fail[step] = err
					require.NoError(w.t, w.rotate())
					w.assertOnly(second)
					assert.NotContains(w.t, w.Log, "patch 1", "the Pods are replaced only once")
				})
			})
		}
	}
}

func TestRotate_KeepsOldRoleIfFailoverLostNewOne(t *testing.T) {
	inWorld(t, func(w *world) {
		step := "end idle of " + first
		w.Lose[step] = postgres.ErrStandby
		w.Then[step] = func() { delete(w.passes, second) }
		require.ErrorContains(w.t, w.rotate(), "a failover lost role \""+second+"\"")
		assert.Contains(w.t, w.passes, first)
		assert.Equal(w.t, first, w.pods)
	})
}
