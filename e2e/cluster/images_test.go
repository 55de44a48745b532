package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteProgram(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "tool")
	require.NoError(t, os.WriteFile(binary, []byte("code"), 0o600))
	var archive bytes.Buffer

	require.NoError(t, writeProgram(&archive, "/usr/local/bin/tool", binary))

	entries := tar.NewReader(&archive)
	header, err := entries.Next()
	require.NoError(t, err)
	assert.Equal(t, "usr/local/bin/tool", header.Name)
	assert.Equal(t, int64(0o755), header.Mode)
	content, err := io.ReadAll(entries)
	require.NoError(t, err)
	assert.Equal(t, "code", string(content))
	_, err = entries.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestWriteProgramThatIsMissing(t *testing.T) {
	err := writeProgram(io.Discard, "/x", filepath.Join(t.TempDir(), "gone"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
