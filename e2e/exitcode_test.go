//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestExitCodes ends runs that follow a rollout which never ends. The binding stays, and the message says how to continue.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for name, test := range map[string]struct {
		code   int
		signal syscall.Signal // none: the run times out
		words  string
	}{
		"timeout":    {code: 124, words: "timed out after 2s"},
		"interrupt":  {code: 130, signal: syscall.SIGINT, words: "stopped by signal: interrupt"},
		"terminated": {code: 143, signal: syscall.SIGTERM, words: "stopped by signal: terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			f.create(deployment(name, func(pod *corev1.PodSpec) { pod.NodeSelector = map[string]string{"there-is": "none"} }))
			command := f.Pgbind("deploy/"+name, "--timeout=2m")
			if test.signal == 0 {
				command = f.Pgbind("deploy/"+name, "--timeout=2s")
			}
			process, err := command.Start(f.ctx)
			require.NoError(t, err)
			if test.signal != 0 {
				f.waitForEvent(name)
				require.NoError(t, process.Signal(test.signal))
			}
			result, err := process.Wait()
			require.NoError(t, err)
			assert.Equal(t, test.code, result.Code, result.Stderr)
			for _, words := range []string{test.words, "kubectl rollout status deployment.apps/" + name, "kubectl pgbind unbind deployment.apps/" + name} {
				assert.Contains(t, result.Stderr, words)
			}
			assert.Contains(t, result.Stdout, "deployment.apps/"+name+" bound")
			f.requireOneBinding(name)
		})
	}
}

// TestExitCodes_OfOtherCommands ends waits of the other commands that have --timeout.
func TestExitCodes_OfOtherCommands(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("web", func(pod *corev1.PodSpec) { pod.NodeSelector = map[string]string{"there-is": "none"} }))
	f.bind("deployment/web", "--wait=false")
	for _, command := range []string{"rotate", "unbind"} {
		result := f.run(f.Pgbind(command, "deployment/web", "--timeout=2s", "--grace=0s"))
		assert.Equal(t, 124, result.Code, result.Stderr)
		assert.Regexp(t, `(?m)^error: .*timed out after 2s`, result.Stderr, command)
		assert.NotContains(t, result.Stderr, "deadline", command)
	}
}

// TestNoCluster expects one line of error, and that it is kubectl's.
func TestNoCluster(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{"apiVersion": "v1", "kind": "Config", "current-context": "none",
		"clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}], "contexts": [{"name": "none", "context": {"cluster": "none"}}]}`), 0o600))
	result := f.run(f.Pgbind("deployment/web").As(kubeconfig))
	assert.Equal(t, 1, result.Code)
	assert.Equal(t, "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n", result.Stderr)
}

// TestUsageErrors expects exit code 2 and the command that was meant, without a cluster.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	for line, words := range map[string]string{
		"status":                         `did you mean "check"?`,
		"create deployment/web":          `did you mean "bind"?`,
		"":                               "the workload is empty",
		"deployment ":                    "an argument is empty",
		"bind":                           "workload required",
		"bind deployment/web --bogus":    "unknown flag: --bogus",
		"deployment/web --env-prefix=9x": "--env-prefix: invalid prefix",
		"deployment/web --database=shop": "did you mean --dbname?",
		"unbind":                         "workload required",
		"apply":                          "file required",
		"check -o toml":                  "allowed formats are",
	} {
		result := f.run(f.Pgbind(strings.Split(line, " ")...))
		assert.Equal(t, 2, result.Code, line)
		assert.Empty(t, result.Stdout, line)
		assert.Contains(t, result.Stderr, words, line)
	}
}

// TestKubeconfigFlags expects a hint: kubectl's names for flags of the kubeconfig have a meaning in PostgreSQL too.
func TestKubeconfigFlags(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	for line, words := range map[string]string{
		"deployment/web --cluster=shop": "--cluster names a cluster of the kubeconfig; the PostgreSQL server is --postgres, for example --postgres cluster/shop",
		"deployment/web --user=app":     "--user names a user of the kubeconfig; the PostgreSQL user is --username",
	} {
		result := f.run(f.Pgbind(strings.Fields(line)...))
		assert.Equal(t, 1, result.Code, line)
		assert.Contains(t, result.Stderr, words, line)
	}
}

// waitForEvent waits for what a bind writes last.
func (f *fixture) waitForEvent(name string) {
	f.t.Helper()
	require.NoError(f.t, wait.PollUntilContextTimeout(f.ctx, 200*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return f.eventOn(name) != "", nil
	}))
}
