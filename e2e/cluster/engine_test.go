package main

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testWorkspace(t *testing.T) *workspace {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	w, err := newWorkspace(io.Discard)
	require.NoError(t, err)
	return w
}

func TestMayStartEngineRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		variable, value, want string
	}{
		"only an existing engine": {engineVariable, existingEngine, "start one yourself"},
		"a remote engine":         {"DOCKER_HOST", "tcp://127.0.0.1:1", "DOCKER_HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tc.variable, tc.value)
			require.ErrorContains(t, mayStartEngine(), tc.want)
		})
	}
}

func TestOwnEngineIgnoresForeignProcesses(t *testing.T) {
	w := testWorkspace(t)
	for name, content := range map[string]string{
		"no number":                    "dockerd",
		"a process that has gone":      "2147483647",
		"a process that is no dockerd": strconv.Itoa(os.Getpid()),
	} {
		require.NoError(t, os.WriteFile(w.enginePIDFile(), []byte(content), 0o600))
		_, ours := w.ownEngine()
		assert.False(t, ours, name)
	}
	require.NoError(t, os.Remove(w.enginePIDFile()))
	_, ours := w.ownEngine()
	assert.False(t, ours, "no PID file")
}

func TestAlive(t *testing.T) {
	assert.True(t, alive(os.Getpid()))
	assert.False(t, alive(2147483647))
}

func TestWorkspacePaths(t *testing.T) {
	t.Setenv(clusterVariable, "second")
	w := testWorkspace(t)
	assert.Equal(t, filepath.Join(os.Getenv("XDG_CACHE_HOME"), cacheName, "clusters", "second", "kubeconfig"), w.kubeconfig())
	assert.DirExists(t, w.bin())
	assert.FileExists(t, w.source("cluster", "main.go"))
}

func TestScratchForgetsAnInterruptedRun(t *testing.T) {
	w := testWorkspace(t)
	folder, _, err := w.scratch("x")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "left"), nil, 0o600))

	again, remove, err := w.scratch("x")

	require.NoError(t, err)
	assert.Equal(t, folder, again)
	assert.NoFileExists(t, filepath.Join(folder, "left"))
	remove()
	assert.NoDirExists(t, folder)
}

func TestPostgresImageOfUnknownMajor(t *testing.T) {
	err := testWorkspace(t).postgresImage(t.Context(), "9")
	require.ErrorContains(t, err, "choose of 13, 15, 17, 18")
}
