//go:build e2e && soak

package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// each runs a subtest for every trial, several at once.
func (m *matrix) each(name string, trials []*trial, test func(*matrix, *trial)) {
	m.t.Helper()
	m.t.Run(name, func(t *testing.T) {
		for _, tr := range trials {
			t.Run(tr.String(), func(t *testing.T) {
				t.Parallel()
				test(m.in(t), tr)
			})
		}
	})
}

// chosen returns as many trials as PGBIND_SOAK says, evenly spread over the run. 2/3 selects the second of three parts, which together
// contain all trials. Without PGBIND_SOAK, it returns all.
func chosen[T any](t *testing.T, trials []T) []T {
	t.Helper()
	text := os.Getenv("PGBIND_SOAK")
	if text == "" {
		return trials
	}
	var some []T
	if strings.Contains(text, "/") {
		for i, tr := range trials {
			if inPart(t, text, i) {
				some = append(some, tr)
			}
		}
		return some
	}
	number, err := strconv.Atoi(text)
	require.NoError(t, err, "PGBIND_SOAK")
	require.Positive(t, number, "PGBIND_SOAK")
	limit := min(number, len(trials))
	for i := range limit {
		some = append(some, trials[i*len(trials)/limit])
	}
	return some
}

// missed counts the trials whose disturbance did not occur. They prove nothing, so they must be few.
func (m *matrix) missed(trials []*trial) (count int) {
	m.t.Helper()
	for _, tr := range trials {
		if tr.missed {
			count++
		}
	}
	assert.LessOrEqual(m.t, count, max(1, len(trials)/10), "trials whose point was not part of their run")
	return count
}

// agree requires that every workload ended as the undisturbed one, and that nothing else is left.
func (m *matrix) agree(undisturbed *trial, trials []*trial) {
	m.t.Helper()
	now := m.sides()
	want := m.states(now, undisturbed)
	m.t.Logf("the end: %+v", want)
	for _, s := range want {
		assert.Equal(m.t, m.leaves, s.LogsIn)
	}
	for _, tr := range trials {
		assert.Equal(m.t, want, m.states(now, tr), tr.String())
	}
	bindings := 0
	if m.leaves {
		bindings = (1 + len(trials)) * len(want)
	}
	assert.Len(m.t, now.roles, bindings, "login roles")
	assert.Equal(m.t, bindings, len(now.secrets), "Secrets") //nolint:testifylint // Len would print what they hold
	result := m.run(m.Pgbind("check"))
	assert.Zero(m.t, result.Code, "check: %s%s", result.Stdout, result.Stderr)
}
