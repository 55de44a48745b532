package apply

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// enough are the bindings of as many execs as an applier of these tests has at once.
const enough = 2 * smallestBatch

// secondWaits has all execs for bindings but the first wait.
func secondWaits(wait func()) func([]postgres.Request) {
	var execs atomic.Int32
	return func([]postgres.Request) {
		if execs.Add(1) > 1 {
			wait()
		}
	}
}

func TestWorkloadsAreChangedWhenNobodyNeedsTheirServer(t *testing.T) {
	w := newWorld(t, enough)
	w.bound = secondWaits(func() { time.Sleep(100 * time.Millisecond) }) // in which the bindings of the other could go on
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(enough)...)))
	assert.Equal(t, []string{"bind", "bind"}, w.order[:2])
	assert.Equal(t, map[Outcome]int{Created: enough}, w.outcomes())
}

func TestWorkloadsAreChangedWhenNobodyNeedsAnotherServer(t *testing.T) {
	for name, took := range map[string]time.Duration{"as long as the others": patience / 2, "too long": 10 * patience} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2)
				w.bound = func(requests []postgres.Request) {
					if requests[0].Binding.Access.Database == "slow" {
						time.Sleep(took)
					}
				}
				applier, start, done := w.applier(), time.Now(), map[string]time.Duration{}
				report := applier.Report
				applier.Report = func(r Result) {
					report(r)
					w.mu.Lock()
					defer w.mu.Unlock()
					done[r.Item.Options.Database] = time.Since(start)
				}
				require.NoError(t, applier.Apply(t.Context(), w.items("workload: deployment/w0, dbname: slow, postgres: pod/other", "workload: deployment/w1")))
				assert.Equal(t, map[Outcome]int{Created: 2}, w.outcomes())
				assert.Less(t, done["slow"], took+time.Second)
				assert.InDelta(t, min(took, patience).Seconds(), done["postgres"].Seconds(), 1)
			})
		})
	}
}

func TestARolloutThatIsWaitedForBeginsAtOnce(t *testing.T) {
	w := newWorld(t, enough)
	items := w.items(specs(enough)...)
	for _, item := range items {
		item.Options.Rollout.Wait = true
	}
	changed := make(chan struct{})
	w.bound = secondWaits(func() { <-changed })
	applier := w.applier()
	report, once := applier.Report, sync.Once{}
	applier.Report = func(r Result) {
		report(r)
		once.Do(func() { close(changed) })
	}
	require.NoError(t, applier.Apply(t.Context(), items))
	assert.Equal(t, map[Outcome]int{Created: enough}, w.outcomes())
}

func TestWhoWaitsForOthersLeavesWhenItIsOver(t *testing.T) {
	over := errors.New("over")
	ctx, end := context.WithCancelCause(t.Context())
	w := newWorld(t, enough)
	w.bound = func([]postgres.Request) { end(over) }
	require.NoError(t, w.applier().Apply(ctx, w.items(specs(enough)...)))
	assert.Equal(t, map[Outcome]int{Failed: enough}, w.outcomes())
	assert.NotContains(t, w.order, "patch")
}

func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{}
		waited := func() time.Duration {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start := time.Now()
			c.wait(ctx)
			return time.Since(start)
		}
		assert.Zero(t, waited(), "nobody is there")
		c.enter()
		c.enter()
		c.leave()
		assert.Equal(t, time.Hour, waited(), "one is left")
		time.AfterFunc(time.Minute, c.leave)
		assert.Equal(t, time.Minute, waited())
		assert.Zero(t, waited())
		c.enter()
		assert.Equal(t, time.Hour, waited(), "another one has come")
	})
}

func TestACrowdIsWaitedForAsLongAsItMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{}
		waited := func() time.Duration {
			start := time.Now()
			c.waitWhileMoving(t.Context())
			return time.Since(start)
		}
		assert.Zero(t, waited(), "nobody is there")
		for range 4 {
			c.enter()
		}
		for i := range 3 {
			time.AfterFunc(time.Duration(i+1)*(patience-time.Second), c.leave)
		}
		assert.Equal(t, 3*(patience-time.Second)+patience, waited(), "the last one stays")
		time.AfterFunc(time.Second, c.leave)
		assert.Equal(t, time.Second, waited())
		c.enter()
		over, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		start := time.Now()
		c.waitWhileMoving(over)
		assert.Equal(t, time.Second, time.Since(start), "it is over")
	})
}
