//go:build dist

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shell runs programs with its own krew and none of the user's settings.
type shell struct {
	t    *testing.T
	env  []string
	krew string
}

func newShell(t *testing.T) shell {
	t.Helper()
	tools, kubectl := os.Getenv("PGBIND_DIST_TOOLS"), os.Getenv("PGBIND_E2E_KUBECTL")
	require.True(t, filepath.IsAbs(tools), "PGBIND_DIST_TOOLS names the directory of krew; make dist-test sets it")
	require.True(t, filepath.IsAbs(kubectl), "PGBIND_E2E_KUBECTL names kubectl; make dist-test sets it")
	root := t.TempDir()
	path := []string{filepath.Join(root, "bin"), filepath.Dir(kubectl), "/usr/bin", "/bin"}
	return shell{t: t, krew: filepath.Join(tools, "krew"), env: []string{
		"KREW_ROOT=" + root, "HOME=" + t.TempDir(), "PATH=" + strings.Join(path, ":"), "KREW_NO_UPGRADE_CHECK=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com",
	}}
}

// run returns what the program printed, and fails the test if the program failed.
func (s shell) run(name string, args ...string) string {
	s.t.Helper()
	output, err := s.try(name, args...)
	require.NoError(s.t, err, "%s %s: %s", name, strings.Join(args, " "), output)
	return output
}

func (s shell) try(name string, args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for _, entry := range s.env {
		if dirs, ok := strings.CutPrefix(entry, "PATH="); ok && !filepath.IsAbs(name) {
			name = lookUp(s.t, name, dirs)
		}
	}
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the programs that the test names
	cmd.Env = s.env
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// lookUp finds a program in the PATH of the test.
func lookUp(t *testing.T, name, dirs string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(dirs) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	require.Fail(t, "not found", name)
	return ""
}

// checkKrew installs from the manifest and the archive, as it is done before a release is published.
func (d dist) checkKrew(t *testing.T) {
	s := newShell(t)
	plugin, archive := d.file("pgbind.yaml"), d.file(platform{os: runtime.GOOS, arch: runtime.GOARCH}.archive())
	s.run(filepath.Join(filepath.Dir(s.krew), "validate-krew-manifest"), "-manifest", plugin, "-skip-install")
	output, err := s.try(s.krew, "install", "--manifest="+plugin, "--archive="+d.file("checksums.txt"))
	require.Error(t, err, "krew rejects an archive that the manifest does not name")
	assert.Contains(t, output, "checksum")
	s.run(s.krew, "install", "--manifest="+plugin, "--archive="+archive)
	assert.Equal(t, released+"\n", s.run("kubectl", "pgbind", "version"))
}

// checkIndex installs from the repository as a custom index, and removes the index again.
func (d dist) checkIndex(t *testing.T) {
	s := newShell(t)
	server := httptest.NewServer(http.FileServer(http.Dir(d.file(""))))
	defer server.Close()
	index := filepath.Join(t.TempDir(), "index")
	require.NoError(t, os.MkdirAll(filepath.Join(index, "plugins"), 0o750))
	local := strings.ReplaceAll(
		readFile(t, d.file("pgbind.yaml")),
		"https://github.com/kubectl-pgbind/kubectl-pgbind/releases/download/"+released, server.URL,
	)
	require.NoError(t, os.WriteFile(filepath.Join(index, "plugins", "pgbind.yaml"), []byte(local), 0o600))
	s.run("git", "init", "--quiet", index)
	s.run("git", "-C", index, "add", ".")
	s.run("git", "-C", index, "commit", "--quiet", "--message=index")

	s.run(s.krew, "index", "add", "pgbind", index)
	assert.Contains(t, s.run(s.krew, "search", "pgbind"), "pgbind/pgbind")
	assert.Contains(t, s.run(s.krew, "info", "pgbind/pgbind"), released)
	s.run(s.krew, "install", "pgbind/pgbind")
	assert.Contains(t, s.run(s.krew, "list"), "pgbind")
	assert.Equal(t, released+"\n", s.run("kubectl", "pgbind", "version"))
	s.run(s.krew, "uninstall", "pgbind")
	output, err := s.try("kubectl", "pgbind", "version")
	require.Error(t, err, output)
}
