package cmd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestExecute_PrintsOneLineIfNobodyListens runs commands against an address where nobody listens. They print what
// kubectl prints, and nothing else.
func TestExecute_PrintsOneLineIfNobodyListens(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	file := filepath.Join(t.TempDir(), "bindings.yaml")
	const documents = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/a}\n---\n" +
		"apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/b}\n"
	require.NoError(t, os.WriteFile(file, []byte(documents), 0o600))
	want := "The connection to the server " + address + " was refused - did you specify the right host or port?\n"
	for _, args := range [][]string{
		{"deployment/web"}, {"bind", "deployment/a", "deployment/b"}, {"unbind", "deployment/web"}, {"unbind", "--all"}, {"rotate", "deployment/web"},
		{"rotate", "binding/web"}, {"rotate", "--all"}, {"takeover", "deployment/web"}, {"takeover", "deployment/web", "--undo"}, {"apply", "-f", file},
		{"prune"}, {"harden", "--postgres=pod/pg"}, {"list"}, {"list", "-A"}, {"diff", "-f", file}, {"check"}, {"check", "deployment/web"}, {"audit"},
		{"psql"}, {"psql", "deployment/web"}, {"servers"},
	} {
		stdout, stderr, code := run(t, append(args, "--server=http://"+address, "--cache-dir="+t.TempDir())...)
		assert.Equal(t, want, stderr, args)
		assert.Empty(t, stdout, args)
		assert.NotZero(t, code, args)
	}
}

// TestExecute_ExplainsFlagsOfTheKubeconfig: --user and --cluster are flags of kubectl, and not about PostgreSQL.
func TestExecute_ExplainsFlagsOfTheKubeconfig(t *testing.T) {
	requests := clusterWithoutAnswers(t)
	for line, want := range map[string]string{
		"deployment/web --user=app": `read the connection settings: auth info "app" does not exist: --user names a user of the kubeconfig; ` +
			"the PostgreSQL user is --username",
		"unbind deployment/web --user=app": `read the connection settings: auth info "app" does not exist: --user names a user of the kubeconfig`,
		"bind deployment/web --cluster=shop": `no server found for cluster "shop": --cluster names a cluster of the kubeconfig; ` +
			"the PostgreSQL server is --postgres, for example --postgres cluster/shop",
		"check --cluster=shop": `no server found for cluster "shop": --cluster names a cluster of the kubeconfig; ` +
			"the PostgreSQL server is --postgres, for example --postgres cluster/shop",
		"check --cluster=shop -n shop": `read the connection settings: cluster "shop" does not exist: --cluster names a cluster of the kubeconfig; ` +
			"the PostgreSQL server is --postgres, for example --postgres cluster/shop",
		"unbind deployment/web --user=app -n shop": `read the connection settings: auth info "app" does not exist: --user names a user of the kubeconfig`,
		"list --cluster=shop":                      `no server found for cluster "shop": --cluster names a cluster of the kubeconfig`,
		"deployment/web --context=x":               "context was not found for specified context: x",
	} {
		streams, _, _, errOut := genericiooptions.NewTestIOStreams()
		assert.NotZero(t, Execute(t.Context(), streams, strings.Fields(line)), line)
		assert.Equal(t, "error: "+want+"\n", errOut.String(), line)
	}
	assert.Zero(t, requests.Load())
}
