package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// flagged returns items as a command line describes them: one spec, and a workload each.
func (w *world) flagged(names ...string) []*Item {
	var items []*Item
	for _, name := range names {
		items = append(items, &Item{
			Workload: w.workloads[name],
			Spec:     v1alpha1.BindingSpec{Postgres: "pod/postgresql-sfs-0"},
			Options:  Options{Wait: true, Timeout: time.Minute},
			Report:   w,
		})
	}
	return items
}

func TestRun_BindsSeveralWorkloadsOfACommandLine(t *testing.T) {
	w := newWorld(t)
	w.add("a", "b", "c")
	items := w.flagged("c", "a", "b")
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: 3}, outcomes(items))
	assert.Equal(t, []int{3}, w.execs, "one session creates all roles")
	for i, name := range []string{secretName, "a-pgbind", "b-pgbind"} {
		assert.Equal(t, name, items[i].Binding.Name, "in the order of the arguments")
	}
	assert.Equal(t, 3, w.requests()["create events"])
}

func TestRun_GoesOnWithTheOthers(t *testing.T) {
	w := newWorld(t)
	w.add("a", "b")
	items := w.flagged("a", "web", "b")
	items[1].Options.Values.Password = "pässword"
	require.NoError(t, w.pipeline().Run(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: 2, Failed: 1}, outcomes(items))
	require.Error(t, items[1].Err)
	assert.Equal(t, "b-pgbind", items[2].Binding.Name, "a failed item takes no name")
}
