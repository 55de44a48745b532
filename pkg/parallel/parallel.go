// Package parallel runs work for many items at the same time. Each item keeps its own error.
package parallel

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Each calls do for all items, at most limit of them at the same time, and returns when all calls have returned. A negative limit means
// no limit.
func Each[T any](items []T, limit int, do func(T)) {
	var running errgroup.Group
	running.SetLimit(limit)
	for _, item := range items {
		running.Go(func() error {
			do(item)
			return nil
		})
	}
	_ = running.Wait() // do returns no error
}

// GroupBy returns the items with the same key, in the order of their first items.
func GroupBy[K comparable, T any](items []T, key func(T) K) [][]T {
	var lists [][]T
	for _, g := range groups(items, key) {
		lists = append(lists, g.items)
	}
	return lists
}

// EachGroup calls do for the items of each key, with at most limit keys at the same time. A negative limit means no limit.
func EachGroup[K comparable, T any](items []T, key func(T) K, limit int, do func(key K, items []T)) {
	Each(groups(items, key), limit, func(g *group[K, T]) { do(g.key, g.items) })
}

type group[K comparable, T any] struct {
	key   K
	items []T
}

// groups calls key once for each item.
func groups[K comparable, T any](items []T, key func(T) K) []*group[K, T] {
	known := map[K]*group[K, T]{}
	var all []*group[K, T]
	for _, item := range items {
		k := key(item)
		if known[k] == nil {
			known[k] = &group[K, T]{key: k}
			all = append(all, known[k])
		}
		known[k].items = append(known[k].items, item)
	}
	return all
}

// Pause waits for d, and reports whether ctx is still active.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
