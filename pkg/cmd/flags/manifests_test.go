package flags

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

const (
	webManifest = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}}
`
	workerManifest = "{apiVersion: v1, kind: List, items: [{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}}]}\n"
	otherManifest  = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: other}}\n"
)

// workloadsOf returns what a command line selects, in a folder with manifests.
func workloadsOf(t *testing.T, namespace, line string) (names []string, in string, err error) {
	t.Helper()
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	for name, text := range map[string]string{
		"web.yaml": webManifest, "sub/worker.yaml": workerManifest, "other.yml": otherManifest, "none.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	connection := genericclioptions.NewConfigFlags(true)
	if namespace != "" {
		connection.Namespace = &namespace
	}
	var f Manifests
	cmd := &cobra.Command{}
	f.AddTo(cmd)
	require.NoError(t, cmd.ParseFlags(strings.Fields(strings.ReplaceAll(line, "DIR", dir))))
	return f.Workloads(connection, strings.NewReader(webManifest), cmd.Flags().Args())
}

func TestManifests_ChooseWorkloads(t *testing.T) {
	for line, want := range map[string][]string{
		"deployment/a b":                     {"default", "deployment/a", "b"},
		"-f DIR/web.yaml":                    {"shop", "deployment.apps/web"},
		"-f -":                               {"shop", "deployment.apps/web"},
		"-f DIR/sub":                         {"default", "cronjob.batch/nightly"},
		"-n shop -f DIR/web.yaml -f DIR/sub": {"shop", "deployment.apps/web", "cronjob.batch/nightly"},
		"-n other -f DIR/other.yml,DIR/sub/worker.yaml": {"other", "statefulset.apps/web", "cronjob.batch/nightly"},
	} {
		namespace := ""
		if rest, ok := strings.CutPrefix(line, "-n "); ok {
			namespace, line, _ = strings.Cut(rest, " ")
		}
		names, in, err := workloadsOf(t, namespace, line)
		require.NoError(t, err, line)
		assert.Equal(t, want, append([]string{in}, names...), line)
	}
}

func TestManifests_AreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"deployment/a -f DIR/web.yaml":     "you may not specify resource arguments as well",
		"-R":                               "--recursive needs -f",
		"-f DIR/absent.yaml":               "does not exist",
		"-f DIR/none.json":                 "no workload in",
		"-f DIR/web.yaml -f DIR/other.yml": "several namespaces (other, shop)",
		"-n mine -f DIR/web.yaml":          "does not match the namespace",
		"-R -f DIR":                        "several namespaces (default, other, shop)",
	} {
		namespace := ""
		if rest, ok := strings.CutPrefix(line, "-n "); ok {
			namespace, line, _ = strings.Cut(rest, " ")
		}
		_, _, err := workloadsOf(t, namespace, line)
		require.ErrorContains(t, err, want, line)
	}
	stdin := secret.Source{Kind: secret.FromStdin}
	f := Manifests{}
	require.NoError(t, f.CheckStdin(stdin))
	f.options.Filenames = []string{"-"}
	require.ErrorContains(t, f.CheckStdin(secret.Source{}, stdin), "cannot both read stdin")
}
