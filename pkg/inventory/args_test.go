package inventory

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplit_SeparatesBindings(t *testing.T) {
	bindings, workloads := Split([]string{"binding.pgbind.dev/a", "deployment/web", "Binding/b", "bindings/c", "binding"})
	assert.Equal(t, []string{"a", "b", "c"}, bindings)
	assert.Equal(t, []string{"deployment/web", "binding"}, workloads)
}

func TestCheckArgs_RejectsNamesOfNothing(t *testing.T) {
	require.NoError(t, CheckArgs([]string{"binding/a", "binding.pgbind.dev/b"}))
	require.NoError(t, CheckArgs([]string{"binding/a", "deployment/web"}))
	for want, args := range map[string][]string{
		"binding name required":        {"binding/"},
		"workload required":            {},
		"did you mean deployment/web?": {"binding/a", "web"},
		"is not in the form":           {"deployment/web", "api"},
	} {
		require.ErrorContains(t, CheckArgs(args), want)
	}
	require.NoError(t, CheckWorkloads([]string{"deployment/web"}))
	require.ErrorContains(t, CheckWorkloads([]string{"deployment/web", "binding.pgbind.dev/a"}), "check --fix binding/a")
}
