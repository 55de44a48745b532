package cmd

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
