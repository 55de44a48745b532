//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestFilename_ChoosesWorkloads binds and unbinds the workloads of manifests that kubectl itself wrote.
func TestFilename_ChoosesWorkloads(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web", "worker", "other")
	manifests, err := f.Kubectl(
		"get", "deployment/web", "deployment/worker", "service/postgresql-svc", "--ignore-not-found", "-o", "yaml",
	).Output(f.ctx)
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "apps"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "apps", "web.yaml"), []byte(manifests), 0o600))

	bound := f.bind("bind", "-R", "-f", folder)
	for _, name := range []string{"web", "worker"} {
		assert.Contains(t, bound.Stdout, "deployment.apps/"+name+" bound")
	}
	assert.Len(t, f.deployment("web").Spec.Template.Spec.Containers[0].EnvFrom, 1)
	assert.Empty(t, f.deployment("other").Spec.Template.Spec.Containers[0].EnvFrom)

	both := f.run(f.Pgbind("unbind", "deployment/web", "-f", folder, "-R"))
	assert.Equal(t, 2, both.Code)
	assert.Contains(t, both.Stderr, "you may not specify resource arguments as well")
	assert.Equal(t, 2, f.run(f.Pgbind("unbind", "--all", "-f", folder, "-R")).Code)

	unbound := f.run(f.Pgbind("unbind", "-f", "-").Stdin(manifests))
	require.Equal(t, 0, unbound.Code, unbound.Stderr)
	for _, name := range []string{"web", "worker"} {
		assert.Contains(t, unbound.Stdout, "deployment.apps/"+name+" unbound")
		assert.Empty(t, f.deployment(name).Spec.Template.Spec.Containers[0].EnvFrom)
	}
}

// TestSelector_ChoosesWorkloads binds what kubectl lists with the same words.
func TestSelector_ChoosesWorkloads(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web", "worker", "other")
	f.kubectl("label", "deployment/web", "deployment/worker", "team=a")
	referring := func() []string {
		var names []string
		for _, name := range []string{"web", "worker", "other"} {
			if len(f.deployment(name).Spec.Template.Spec.Containers[0].EnvFrom) > 0 {
				names = append(names, name)
			}
		}
		return names
	}

	none := f.bind("deployment", "-l", "team=b")
	assert.Contains(t, none.Stderr, "No resources found")
	assert.Empty(t, referring())
	f.bind("bind", "deploy", "-l", "team=a")
	assert.Equal(
		t,
		lines(f.kubectl("get", "deployments", "-l", "team=a", "-o", `jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}`)),
		referring(),
	)
	all := f.bind("deployments", "--all", "--wait=false")
	assert.Equal(t, []string{"web", "worker", "other"}, referring())
	assert.Contains(t, all.Stdout, "deployment.apps/web unchanged")
}
