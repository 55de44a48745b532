package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	code := regexp.MustCompile("`[^`\n]*`")
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a document of this repository
		require.NoError(t, err)
		for _, target := range link.FindAllStringSubmatch(code.ReplaceAllString(string(content), ""), -1) {
			to := filepath.Join(filepath.Dir(file), target[1])
			if assert.FileExists(t, to, file) && target[2] != "" {
				assert.Contains(t, anchors(t, to), target[2], "%s links to a heading of %s", file, target[1])
			}
		}
	}
}

// anchors returns the anchors of the headings of a document, as GitHub derives them.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file) //nolint:gosec // a document of this repository
	require.NoError(t, err)
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(content), -1) {
		kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, "#"+strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}
