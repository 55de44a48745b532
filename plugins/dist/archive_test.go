//go:build dist

package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packed is a file of an archive.
type packed struct {
	content string
	mode    fs.FileMode
}

// unpack returns the files of an archive by name. It accepts regular files that belong to root.
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
		files[header.Name] = packed{content: string(content), mode: header.FileInfo().Mode()}
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
		files[entry.Name] = packed{content: string(content), mode: entry.Mode()}
	}
	return files
}
