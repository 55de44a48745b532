//go:build dist

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const released = "v9.8.7"

// wanted returns the platforms to test: by default only the current one, because building all takes minutes.
func wanted() []platform {
	if os.Getenv("PGBIND_DIST_ALL") != "" {
		return platforms()
	}
	return []platform{{os: runtime.GOOS, arch: runtime.GOARCH}}
}

// newRelease builds a release like "make dist".
func newRelease(t *testing.T) (release, manifest) {
	t.Helper()
	r := release{version: released, dir: t.TempDir(), platforms: wanted()}
	t.Chdir(repository)
	require.NoError(t, r.make(t.Context(), false))
	rendered, err := readManifest(filepath.Join(r.dir, "pgbind.yaml"))
	require.NoError(t, err)
	return r, rendered
}

func TestRelease(t *testing.T) {
	r, rendered := newRelease(t)
	checkManifest(t, rendered, wanted())
	sums, err := r.sums()
	require.NoError(t, err)
	for _, d := range rendered.Spec.Platforms {
		archive := filepath.Base(d.URI)
		assert.Equal(t, sums[archive], d.SHA256)
		assert.Contains(t, readFile(t, filepath.Join(r.dir, "checksums.txt")), sums[archive]+"  "+archive+"\n")
		files := unpack(t, filepath.Join(r.dir, archive))
		require.Len(t, files, 2, archive)
		assert.Equal(t, readFile(t, "LICENSE"), files["LICENSE"].source, archive)
		assert.NotZero(t, files[d.Bin].mode&0o111, "%s: %s is executable", archive, d.Bin)
		assert.Contains(t, files[d.Bin].source, released, archive)
	}
	t.Run("is reproducible", func(t *testing.T) { checkReproducible(t, sums) })
	t.Run("installs with krew", func(t *testing.T) { checkKrew(t, r) })
	t.Run("is found in an index", func(t *testing.T) { checkIndex(t, r) })
}

// checkReproducible builds one platform again, in a directory other than the repository.
func checkReproducible(t *testing.T, sums map[string]string) {
	t.Helper()
	source := t.TempDir()
	for _, name := range []string{"cmd", "docs", "pkg", "plugins"} {
		require.NoError(t, os.CopyFS(filepath.Join(source, name), os.DirFS(name)))
	}
	for _, name := range []string{"go.mod", "go.sum", "LICENSE"} {
		require.NoError(t, os.WriteFile(filepath.Join(source, name), []byte(readFile(t, name)), 0o600))
	}
	modified, err := commitTime(t.Context())
	require.NoError(t, err)
	again, p := release{version: released, dir: t.TempDir()}, wanted()[0]
	t.Chdir(source)
	require.NoError(t, again.makeArchive(t.Context(), p, modified))
	sum, err := sumOf(filepath.Join(again.dir, p.archive()))
	require.NoError(t, err)
	assert.Equal(t, sums[p.archive()], sum)
	assert.Equal(
		t, -1, strings.Index(unpack(t, filepath.Join(again.dir, p.archive()))[p.binary()].source, source),
		"the program does not contain the directory of the build",
	)
}
