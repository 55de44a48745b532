//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// TestK9sPlugin runs the commands of the plugin file with the variables that k9s sets. k9s replaces variables in each argument.
func TestK9sPlugin(t *testing.T) {
	t.Parallel()
	f := newLesson(t)
	f.labelled("web")
	var file struct {
		Plugins map[string]struct {
			ShortCut, Description, Command string
			Scopes, Args                   []string
			Background, Confirm            bool
		}
	}
	text, err := os.ReadFile(contrib(t, "k9s", "plugins.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(text, &file))
	variables := map[string]string{
		"RESOURCE_NAME": "deployments",
		"NAME":          "web",
		"NAMESPACE":     f.Name,
		"CONTEXT":       strings.TrimSpace(f.kubectl("config", "current-context")),
	}
	programs := t.TempDir()
	require.NoError(t, os.Symlink("/bin/cat", filepath.Join(programs, "less")))
	require.NoError(t, os.Symlink(f.Kubectl().Cmd(f.ctx).Path, filepath.Join(programs, "kubectl")))
	run := func(name, input string) string {
		plugin, exists := file.Plugins[name]
		require.True(t, exists, name)
		args := make([]string, len(plugin.Args))
		for i, arg := range plugin.Args {
			args[i] = os.Expand(arg, func(variable string) string {
				value, known := variables[variable]
				require.True(t, known, "%s: %s", name, variable)
				return value
			})
		}
		args = append([]string{plugin.Command}, args...)
		command := exec.CommandContext(f.ctx, "/usr/bin/env", args...) //nolint:gosec // the commands of the file
		command.Env = f.Kubectl().Cmd(f.ctx).Env
		command.Env = append(command.Env, "PATH="+programs+":"+strings.TrimPrefix(command.Env[0], "PATH=")+":/usr/bin:/bin")
		command.Stdin = strings.NewReader(input)
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, output)
		return string(output)
	}

	assert.Contains(t, run("pgbind-bind", ""), "deployment.apps/web bound")
	before := f.login(firstSecret).Username
	assert.Contains(t, run("pgbind-check", ""), "deployment.apps/web")
	assert.Contains(t, run("pgbind-psql", "SELECT session_user;\n"), before)
	assert.Contains(t, run("pgbind-rotate", ""), "secret/"+firstSecret+" rotated")
	assert.NotEqual(t, before, f.login(firstSecret).Username)
	assert.Len(t, file.Plugins, 4, "the test runs all")
}
