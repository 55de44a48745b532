package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// workflow contains the parts of a GitHub workflow that the tests check.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct{ Uses, Run string }
	}
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, ".github", "workflows", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]workflow{}
	for _, file := range files {
		var w workflow
		require.NoError(t, yaml.Unmarshal([]byte(readFile(t, file)), &w))
		require.NotEmpty(t, w.Jobs, file)
		all[filepath.Base(file)] = w
	}
	return all
}

// TestWorkflows_PinActions requires the commit of each action, because a tag can move, and the version that the commit has for readers.
func TestWorkflows_PinActions(t *testing.T) {
	pinned := regexp.MustCompile(`^\s*(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for name := range workflows(t) {
		for _, line := range regexp.MustCompile(`(?m)^.*\buses:.*$`).FindAllString(readFile(t, filepath.Join(repository, ".github", "workflows", name)), -1) {
			assert.Regexp(t, pinned, line, name)
		}
	}
}

// TestWorkflows_HaveLeastPermissions requires that no job may write unless it says so.
func TestWorkflows_HaveLeastPermissions(t *testing.T) {
	for name, w := range workflows(t) {
		require.NotNil(t, w.Permissions, name)
		for scope, access := range w.Permissions {
			assert.Equal(t, "read", access, "%s: %s", name, scope)
		}
	}
	for job, j := range workflows(t)["test.yaml"].Jobs {
		assert.Empty(t, j.Permissions, job)
	}
}

// TestWorkflows_RunMakeTargets requires that each target exists, and that tests and releases run the important ones.
func TestWorkflows_RunMakeTargets(t *testing.T) {
	ran := map[string]bool{}
	makefile := readFile(t, filepath.Join(repository, "Makefile"))
	for name, w := range workflows(t) {
		for _, job := range w.Jobs {
			for _, step := range job.Steps {
				for _, target := range regexp.MustCompile(`\bmake ([a-z0-9-]+)`).FindAllStringSubmatch(step.Run, -1) {
					assert.Regexp(t, `(?m)^`+target[1]+`:`, makefile, name)
					ran[target[1]] = true
				}
			}
		}
	}
	for _, target := range []string{"test", "race", "e2e", "cross", "dist-test", "vulnerabilities", "publish"} {
		assert.True(t, ran[target], target)
	}
}

func TestDependabot_UpdatesActionsAndModules(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `json:"package-ecosystem"`
			Directories []string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, filepath.Join(repository, ".github", "dependabot.yaml"))), &config))
	updated := map[string][]string{}
	for _, u := range config.Updates {
		updated[u.Ecosystem] = append(updated[u.Ecosystem], u.Directories...)
	}
	assert.Equal(t, []string{"/"}, updated["github-actions"])
	for _, pattern := range updated["gomod"] {
		found, err := filepath.Glob(filepath.Join(repository, pattern, "go.mod"))
		require.NoError(t, err)
		assert.NotEmpty(t, found, pattern)
	}
	modules, err := filepath.Glob(filepath.Join(repository, "e2e", "tools", "*", "go.mod"))
	require.NoError(t, err)
	assert.NotEmpty(t, modules)
	for _, dir := range []string{"/", "/e2e/app", "/e2e/tools/*"} {
		assert.Contains(t, updated["gomod"], dir)
	}
	_, err = os.Stat(filepath.Join(repository, "e2e", "app", "go.mod"))
	require.NoError(t, err)
}
