package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFingerprint(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	sum := func(texts ...string) string {
		found, err := fingerprint([]string{folder}, texts...)
		require.NoError(t, err)
		return found
	}

	write("a", "1")
	first := sum()
	assert.Len(t, first, fingerprintLength)
	assert.Equal(t, first, sum(), "the same files")
	assert.NotEqual(t, first, sum("text"), "another text")
	assert.NotEqual(t, sum("x", "y"), sum("xy"), "texts do not run together")
	write("b", "1")
	second := sum()
	assert.NotEqual(t, first, second, "another file")
	write("b", "2")
	assert.NotEqual(t, second, sum(), "another content")
}

func TestFingerprintOfMissingFolder(t *testing.T) {
	_, err := fingerprint([]string{filepath.Join(t.TempDir(), "gone")})
	require.ErrorIs(t, err, os.ErrNotExist)
}
