package apply

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func TestTurnstile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurnstile(2)
		enter := func() (leave func(), waited time.Duration) {
			start := time.Now()
			leave = turns.enter()
			return leave, time.Since(start)
		}
		first, waited := enter()
		assert.Zero(t, waited)
		second, waited := enter()
		assert.Zero(t, waited)

		time.AfterFunc(time.Second, first)
		third, waited := enter()
		assert.Equal(t, time.Second, waited, "one has come out")

		beside, waited := enter()
		assert.Equal(t, patience, waited, "nobody has come out for so long")
		time.AfterFunc(patience-time.Second, beside)
		time.AfterFunc(patience+time.Second, second)
		last, waited := enter()
		assert.Equal(t, patience+time.Second, waited, "who was beside leaves no slot, but shows that the others may get on")
		third()
		last()
		for range 2 {
			_, waited = enter()
			assert.Zero(t, waited, "all slots are free again")
		}
	})
}

func TestServersOfOneNodeShareItsProcessors(t *testing.T) {
	const servers = 6
	for name, c := range map[string]struct {
		node func(pod string) string
		most int
	}{
		"one node":        {func(string) string { return "node" }, 2},
		"a node for each": {func(pod string) string { return pod }, servers},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, servers)
				w.node, w.bound = c.node, func([]postgres.Request) { time.Sleep(time.Second) }
				var all []string
				for i := range servers {
					all = append(all, fmt.Sprintf("workload: deployment/w%d, postgres: pod/db-%d", i, i))
				}
				require.NoError(t, w.applier().Apply(t.Context(), w.items(all...)))
				assert.Equal(t, map[Outcome]int{Created: servers}, w.outcomes())
				assert.Equal(t, c.most, w.most)
			})
		})
	}
}
