//go:build e2e

package e2e

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestTraffic binds, unbinds and rotates the same workloads in random order, many at once. Each command, and all of them together, leave a
// complete binding or none. PGBIND_SEED repeats an order.
func TestTraffic(t *testing.T) {
	t.Parallel()
	const workloads, binds, unbinds, rotates, atOnce = 25, 50, 20, 10, 16
	seed, err := strconv.ParseUint(os.Getenv("PGBIND_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("PGBIND_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // not for a secret
	f := newDatabase(t)
	for i := range workloads {
		_, err := f.Client.AppsV1().Deployments(f.Name).Create(f.ctx, small(deployment(workloadNumber(i), nil)), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	commands := slices.Concat(
		slices.Repeat(
			[][]string{{"--wait=false"}},
			binds,
		),
		slices.Repeat([][]string{{"unbind"}}, unbinds),
		slices.Repeat([][]string{{"rotate"}}, rotates),
	)
	random.Shuffle(len(commands), func(i, j int) { commands[i], commands[j] = commands[j], commands[i] })
	start, results := time.Now(), make([]harness.Result, len(commands))
	var runs errgroup.Group
	runs.SetLimit(atOnce)
	for i, command := range commands {
		args := append([]string{"deployment/" + workloadNumber(random.IntN(workloads))}, command...)
		if command[0] != "--wait=false" {
			slices.Reverse(args)
		}
		commands[i] = args
		runs.Go(func() (err error) {
			results[i], err = f.Pgbind(args...).Run(f.ctx)
			return err
		})
	}
	require.NoError(t, runs.Wait())

	refused := 0
	for i, result := range results {
		assert.NotRegexp(t, goDump, result.Stderr)
		f.requireNoPassword(result.Stdout + result.Stderr)
		if result.Code != 0 {
			refused++
			assert.Regexp(t, "(?m)^error: .*", result.Stderr, commands[i])
			t.Logf("%s: %s", commands[i], result.Stderr)
		}
	}
	bound := f.requireWholeOrNone(workloads)
	t.Logf("%d binds, %d unbinds and %d rotates of %d workloads, %d at once, %d of them refused, in %s; %d are bound",
		binds, unbinds, rotates, workloads, atOnce, refused, time.Since(start).Round(time.Second), bound)
}

// requireWholeOrNone requires a complete binding or nothing for each workload, and nothing else. It returns how many are bound.
func (f *fixture) requireWholeOrNone(workloads int) (bound int) {
	f.t.Helper()
	now := f.sides()
	for i := range workloads {
		name := workloadNumber(i)
		left := now.of(name)
		if len(left.References) == 0 {
			assert.Equal(f.t, state{}, left, name)
			continue
		}
		bound++
		assert.Len(f.t, left.References, 1, name)
		assert.Equal(f.t, 1, left.Notes, name)
		assert.Len(f.t, left.Secrets, 1, name)
		assert.True(f.t, left.LogsIn, name)
	}
	assert.Len(f.t, now.roles, bound, "login roles")
	assert.Equal(f.t, bound, len(now.secrets), "Secrets") //nolint:testifylint // Len would print what they hold
	result := f.run(f.Pgbind("check"))
	assert.Zero(f.t, result.Code, "check: %s%s", result.Stdout, result.Stderr)
	return bound
}
