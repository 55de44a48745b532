package parallel

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEach_KeepsTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most, calls atomic.Int32
		Each(make([]int, 10), 3, func(int) {
			calls.Add(1)
			now := running.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			time.Sleep(time.Second)
			running.Add(-1)
		})
		assert.EqualValues(t, 10, calls.Load())
		assert.EqualValues(t, 3, most.Load())
	})
}

func TestGroupBy_KeepsTheOrder(t *testing.T) {
	t.Parallel()
	groups := GroupBy([]string{"b1", "a1", "b2", "c1", "a2"}, func(s string) byte { return s[0] })
	assert.Equal(t, [][]string{{"b1", "b2"}, {"a1", "a2"}, {"c1"}}, groups)
	assert.Empty(t, GroupBy(nil, func(s string) string { return s }))
}

func TestEachGroup_PassesTheKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[bool][]int{}
	EachGroup([]int{1, 2, 3, 4, 5}, func(n int) bool { return n%2 == 0 }, -1, func(even bool, numbers []int) {
		mu.Lock()
		defer mu.Unlock()
		got[even] = numbers
	})
	assert.Equal(t, map[bool][]int{true: {2, 4}, false: {1, 3, 5}}, got)
}

func TestPause_EndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.True(t, Pause(ctx, 900*time.Millisecond))
		start := time.Now()
		assert.False(t, Pause(ctx, time.Hour))
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

func TestBatchSize(t *testing.T) {
	t.Parallel()
	for items, want := range map[int]int{1: 25, 100: 25, 101: 26, 1000: 250, 5000: 250} {
		assert.Equal(t, want, BatchSize(items, 4), "%d items", items)
	}
}

// TestPool_LimitsEachPlaceAndReusesServers runs calls for two places, and counts how many run together and how many servers are opened.
func TestPool_LimitsEachPlaceAndReusesServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool[string, *int](2)
		var mu sync.Mutex
		running, most, opened := map[string]int{}, map[string]int{}, map[string]int{}
		count := func(place string, by int) {
			mu.Lock()
			defer mu.Unlock()
			running[place] += by
			most[place] = max(most[place], running[place])
		}
		Each([]string{"a", "b", "a", "b", "a", "b", "a"}, -1, func(place string) {
			pool.With(place, "key of "+place, func() *int {
				mu.Lock()
				defer mu.Unlock()
				opened[place]++
				return new(int)
			}, func(server *int) {
				count(place, 1)
				*server++ // the race detector fails if two goroutines have it
				time.Sleep(time.Second)
				count(place, -1)
			})
		})
		assert.Equal(t, map[string]int{"a": 2, "b": 2}, most)
		assert.Equal(t, map[string]int{"a": 2, "b": 2}, opened)
	})
}
