package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

func TestGenerate_DocumentsAreUpToDate(t *testing.T) {
	documents, err := generate(repository)
	require.NoError(t, err)
	for name, want := range documents {
		content, err := os.ReadFile(filepath.Join(repository, name)) //nolint:gosec // a document of the repository
		require.NoError(t, err)
		assert.Equal(t, want, string(content), "%s is not up to date: run make docs", name)
	}
}

func TestLinks_PointToFiles(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/how-to/*.md", "e2e/cluster/*.md", "contrib/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a document of this repository
		require.NoError(t, err)
		for _, target := range link.FindAllStringSubmatch(string(content), -1) {
			assert.FileExists(t, filepath.Join(filepath.Dir(file), target[1]), file)
		}
	}
}
