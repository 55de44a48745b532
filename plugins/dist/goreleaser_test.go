//go:build goreleaser

package main

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file is what must be the same about a packed file. It does not contain the content, because a program is too long to print.
type file struct {
	sum  [sha256.Size]byte
	mode fs.FileMode
}

func filesOf(t *testing.T, archive string) map[string]file {
	t.Helper()
	files := map[string]file{}
	for name, f := range unpack(t, archive) {
		files[name] = file{sum: sha256.Sum256([]byte(f.source)), mode: f.mode.Perm()}
	}
	return files
}

// TestGoreleaser_BuildsSameArchives builds a clone of the last commit with both builders: the published archives must be the tested ones,
// byte by byte.
func TestGoreleaser_BuildsSameArchives(t *testing.T) {
	goreleaser := filepath.Join(os.Getenv("PGBIND_DIST_TOOLS"), "goreleaser")
	require.FileExists(t, goreleaser, "make goreleaser builds it")
	source, err := filepath.Abs(repository)
	require.NoError(t, err)
	clone := filepath.Join(t.TempDir(), "clone")
	for _, command := range [][]string{
		{"git", "clone", "--quiet", source, clone},
		{"git", "-C", clone, "tag", "v9.8.7"},
	} {
		output, err := exec.CommandContext( //nolint:gosec // the test's own commands
			t.Context(),
			command[0],
			command[1:]...).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	t.Chdir(clone)
	ours := release{version: "v9.8.7", dir: t.TempDir(), platforms: platforms()}
	require.NoError(t, ours.make(t.Context(), false))
	for _, args := range [][]string{{"check"}, {"release", "--snapshot", "--clean"}} {
		output, err := exec.CommandContext( //nolint:gosec // the program that the test names
			t.Context(),
			goreleaser,
			args...).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	assert.Len(t, strings.Split(strings.TrimSpace(readFile(t, "dist/checksums.txt")), "\n"), len(platforms()), "no other archives")
	for _, p := range platforms() {
		assert.Equal(t, filesOf(t, filepath.Join(ours.dir, p.archive())), filesOf(t, filepath.Join("dist", p.archive())), p.archive())
	}

	require.NoError(
		t, (&release{version: "v9.8.7", dir: "dist", platforms: platforms()}).make(t.Context(), true),
		"render the krew manifest from goreleaser's archives",
	)
	rendered, err := readManifest(filepath.Join("dist", "pgbind.yaml"))
	require.NoError(t, err)
	checkManifest(t, rendered, platforms())
}
