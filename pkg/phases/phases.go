// Package phases takes the items of a pipeline through its phases. Each item keeps its own error, and leaves the pipeline with it.
package phases

import (
	"context"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
)

// Item is what a pipeline works on.
type Item interface {
	Open() bool     // the item continues with the next phase
	Fail(err error) // the item leaves the pipeline
}

// Phase is one step of a pipeline, for all items at once.
type Phase[T Item] func(ctx context.Context, items []T)

// Open returns the items that continue.
func Open[T Item](items []T) []T {
	var open []T
	for _, i := range items {
		if i.Open() {
			open = append(open, i)
		}
	}
	return open
}

// Through takes items through phases. Each phase gets the items that are still open. If ctx ends between two phases, the open items fail
// with its cause.
func Through[T Item](ctx context.Context, items []T, all ...Phase[T]) {
	for _, phase := range all {
		if items = Open(items); len(items) == 0 {
			return
		}
		if ctx.Err() != nil {
			for _, i := range items {
				i.Fail(context.Cause(ctx))
			}
			return
		}
		phase(ctx, items)
	}
}

// Repeat calls round with the items, and again with those that it returns because they met another writer, after a pause of the backoff. It
// returns the items that are left after the last step of the backoff, or when ctx ends.
func Repeat[T any](
	ctx context.Context, items []T, backoff wait.Backoff, round func(ctx context.Context, items []T) (again []T),
) (left []T) {
	rounds := backoff.Steps
	for left = items; len(left) > 0; rounds-- {
		left = round(ctx, left)
		if len(left) == 0 || rounds == 1 || !parallel.Pause(ctx, backoff.Step()) {
			return left
		}
	}
	return left
}
