package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestArchitecture_ListsEveryPackage(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	packages := map[string]bool{}
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), "pkg", func(name string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			packages[path.Dir(filepath.ToSlash(name))] = true
		}
		return err
	}))
	require.Greater(t, len(packages), 30)
	for name := range packages {
		// The row of the commands has the names below pkg/cmd only.
		listed := strings.Contains(string(text), "`"+name+"`") ||
			strings.HasPrefix(name, "pkg/cmd/") && strings.Contains(string(text), "`"+path.Base(name)+"`")
		assert.True(t, listed, "the package map has %s", name)
	}
}
