package phases_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
)

type item struct {
	name string
	err  error
}

func (i *item) Open() bool     { return i.err == nil }
func (i *item) Fail(err error) { i.err = err }

func names(items []*item) string {
	var all string
	for _, i := range items {
		all += i.name
	}
	return all
}

func TestThrough_FailedItemsLeave(t *testing.T) {
	t.Parallel()
	a, b := &item{name: "a"}, &item{name: "b"}
	var seen []string
	see := func(_ context.Context, items []*item) { seen = append(seen, names(items)) }
	failFirst := func(_ context.Context, items []*item) { items[0].Fail(errors.New("no")) }

	phases.Through(t.Context(), []*item{a, b}, see, failFirst, see, failFirst, see)

	assert.Equal(t, []string{"ab", "b"}, seen, "no phase runs without items")
}

func TestThrough_EndOfContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	failed, open := &item{name: "a", err: errors.New("earlier")}, &item{name: "b"}
	ran := false

	phases.Through(ctx, []*item{failed, open},
		func(context.Context, []*item) { cancel(stop) },
		func(context.Context, []*item) { ran = true })

	assert.False(t, ran)
	require.EqualError(t, failed.err, "earlier")
	assert.ErrorIs(t, open.err, stop)
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		steps  int
		rounds []string // the items of each round
		left   string
	}{
		"until nothing is left":  {steps: 5, rounds: []string{"abc", "bc", "c"}, left: ""},
		"no more than the steps": {steps: 2, rounds: []string{"abc", "bc"}, left: "c"},
		"once":                   {steps: 1, rounds: []string{"abc"}, left: "bc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rounds []string
			backoff := wait.Backoff{Steps: test.steps, Duration: time.Microsecond, Factor: 2}

			left := phases.Repeat(t.Context(), []*item{{name: "a"}, {name: "b"}, {name: "c"}}, backoff,
				func(_ context.Context, items []*item) []*item {
					rounds = append(rounds, names(items))
					return items[1:]
				})

			assert.Equal(t, test.rounds, rounds)
			assert.Equal(t, test.left, names(left))
		})
	}
}

func TestRepeat_EndOfContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0

	left := phases.Repeat(
		ctx,
		[]*item{{name: "a"}},
		wait.Backoff{Steps: 5, Duration: time.Hour},
		func(_ context.Context, items []*item) []*item {
			rounds++
			cancel()
			return items
		},
	)

	assert.Equal(t, 1, rounds)
	assert.Equal(t, "a", names(left))
}
