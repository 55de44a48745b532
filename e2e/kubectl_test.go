//go:build e2e

package e2e

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"runtime/debug"
	"slices"
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

// TestVersion compares with what the Go toolchain wrote into the file of the plugin.
func TestVersion(t *testing.T) {
	t.Parallel()
	build, err := buildinfo.ReadFile(os.Getenv("PGBIND_E2E_PLUGIN"))
	require.NoError(t, err)
	i := slices.IndexFunc(build.Deps, func(m *debug.Module) bool { return m.Path == "k8s.io/client-go" })
	require.NotEqual(t, -1, i)
	printed := func(args ...string) string {
		result, err := cluster.Pgbind(args...).Run(t.Context())
		require.NoError(t, err)
		require.Zero(t, result.Code, result.Stderr)
		return result.Stdout
	}
	var version struct{ Version, GoVersion, ClientGoVersion string }
	require.NoError(t, json.Unmarshal([]byte(printed("version", "-o", "json")), &version))
	assert.Equal(t, build.GoVersion, version.GoVersion)
	assert.Equal(t, build.Deps[i].Version, version.ClientGoVersion)
	assert.Equal(t, version.Version+"\n", printed("version"))
	assert.Equal(t, version.Version+"\n", printed("--version"))
}
