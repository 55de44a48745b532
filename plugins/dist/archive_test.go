package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpack reads an archive and accepts what krew accepts: no directories, no links, no paths.
func unpack(t *testing.T, file string) map[string]packed {
	t.Helper()
	if strings.HasSuffix(file, ".zip") {
		return unzip(t, file)
	}
	opened, err := os.Open(file) //nolint:gosec // the test's own file
	require.NoError(t, err)
	defer func() { require.NoError(t, opened.Close()) }()
	unzipped, err := gzip.NewReader(opened)
	require.NoError(t, err)
	assert.True(t, unzipped.ModTime.IsZero())
	files := map[string]packed{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if err == io.EOF { //nolint:errorlint // the reader returns io.EOF itself
			return files
		}
		require.NoError(t, err)
		assert.Equal(t, byte(tar.TypeReg), header.Typeflag)
		assert.Contains(t, []string{"", "rootroot"}, header.Uname+header.Gname, "the archive does not contain who built it")
		assert.Zero(t, header.Uid+header.Gid)
		content, err := io.ReadAll(archive)
		require.NoError(t, err)
		files[header.Name] = packed{name: header.Name, source: string(content), mode: header.FileInfo().Mode()}
	}
}

func unzip(t *testing.T, file string) map[string]packed {
	t.Helper()
	archive, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, archive.Close()) }()
	files := map[string]packed{}
	for _, entry := range archive.File {
		opened, err := entry.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(opened)
		require.NoError(t, err)
		require.NoError(t, opened.Close())
		files[entry.Name] = packed{name: entry.Name, source: string(content), mode: entry.Mode()}
	}
	return files
}

func TestArchives_AreReproducible(t *testing.T) {
	dir, modified := t.TempDir(), time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	program, license := filepath.Join(dir, "program"), filepath.Join(dir, "license")
	require.NoError(t, os.WriteFile(program, []byte("program"), 0o600))
	require.NoError(t, os.WriteFile(license, []byte("license"), 0o600))
	files := []packed{{name: "LICENSE", source: license, mode: 0o644}, {name: "kubectl-pgbind", source: program, mode: 0o755}}
	for _, p := range []platform{{os: "linux", arch: "amd64"}, {os: "windows", arch: "amd64"}} {
		first, second := filepath.Join(dir, "1-"+p.archive()), filepath.Join(dir, "2-"+p.archive())
		require.NoError(t, p.pack()(first, files, modified))
		later := time.Now().Add(time.Hour)
		require.NoError(t, os.Chtimes(program, later, later))
		require.NoError(t, p.pack()(second, files, modified))
		assert.Equal(t, readFile(t, first), readFile(t, second))
		assert.Equal(t, map[string]packed{
			"LICENSE":        {name: "LICENSE", source: "license", mode: fs.FileMode(0o644)},
			"kubectl-pgbind": {name: "kubectl-pgbind", source: "program", mode: fs.FileMode(0o755)},
		}, unpack(t, first))
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name) //nolint:gosec // a file of the test or the repository
	require.NoError(t, err)
	return string(content)
}
