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
	Jobs map[string]struct {
		Steps []struct{ Uses, Run string }
	}
}

func readWorkflow(t *testing.T, name string) (w workflow, uses map[string]string, commands string) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, filepath.Join(repository, ".github", "workflows", name))), &w))
	uses = map[string]string{}
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			if action := regexp.MustCompile(`^(.+)@(v\d+(\.\d+)*)$`).FindStringSubmatch(step.Uses); step.Uses != "" {
				require.NotNil(t, action, "%s is pinned by a tag", step.Uses)
				uses[action[1]] = action[2]
			}
			commands += step.Run + "\n"
		}
	}
	return w, uses, commands
}

func TestWorkflows_PinActions(t *testing.T) {
	files, err := os.ReadDir(filepath.Join(repository, ".github", "workflows"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		w, _, _ := readWorkflow(t, file.Name())
		assert.NotEmpty(t, w.Jobs, file.Name())
	}
}

func TestWorkflows_TestEveryPlatform(t *testing.T) {
	_, _, commands := readWorkflow(t, "test.yaml")
	for _, target := range []string{"make test", "make cross", "make dist-test PGBIND_DIST_ALL=1", "make goreleaser"} {
		assert.Contains(t, commands, target+"\n")
	}
}

func TestWorkflows_PublishRelease(t *testing.T) {
	_, uses, commands := readWorkflow(t, "release.yaml")
	assert.Contains(t, uses, "goreleaser/goreleaser-action")
	assert.Contains(t, uses, "rajatjindal/krew-release-bot")
	assert.Contains(t, commands, "go -C e2e/tools/govulncheck build")
	assert.Contains(t, commands, ".cache/govulncheck ./cmd/... ./pkg/...")
	assert.Contains(t, commands, "./plugins/dist -version")
}
