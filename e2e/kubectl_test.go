//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKubectlListsThePluginWithoutWarning(t *testing.T) {
	t.Parallel()
	result, err := cluster.Kubectl("plugin", "list").Run(t.Context())
	require.NoError(t, err)
	assert.Zero(t, result.Code)
	assert.Contains(t, result.Stdout, "kubectl-pgbind")
	assert.NotContains(t, result.Stdout+result.Stderr, "warning")
}

func TestHelpSaysKubectlPgbind(t *testing.T) {
	t.Parallel()
	result, err := cluster.Pgbind("--help").Run(t.Context())
	require.NoError(t, err)
	assert.Zero(t, result.Code, result.Stderr)
	assert.Regexp(t, `(?m)^Usage:\n\s+kubectl pgbind `, result.Stdout)
	assert.NotRegexp(t, `(?m)^\s*kubectl-pgbind`, result.Stdout, "usage and examples")
}
