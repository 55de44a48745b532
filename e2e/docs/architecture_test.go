package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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

// TestArchitecture_ListsImports compares the imports of each package with those in the table, and requires that they lead downward in it.
func TestArchitecture_ListsImports(t *testing.T) {
	const module = "github.com/kubectl-pgbind/kubectl-pgbind/"
	text, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `pkg/([a-z0-9/]+)` \\| .* \\| (.*)\\|$").FindAllStringSubmatch(string(text), -1) {
		name := row[1]
		if name == "cmd" { // it imports all commands
			continue
		}
		actual := map[string]bool{}
		files, err := filepath.Glob(filepath.Join("../../pkg", name, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, name)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, i := range parsed.Imports {
				if imported, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module); ours {
					actual[strings.TrimSuffix(strings.TrimPrefix(imported, "pkg/"), "/v1alpha1")] = true
				}
			}
		}
		listed := strings.FieldsFunc(
			regexp.MustCompile(` *\([^)]*\)`).ReplaceAllString(row[2], ""),
			func(r rune) bool { return strings.ContainsRune(" ,`", r) },
		)
		assert.ElementsMatch(t, slices.Collect(maps.Keys(actual)), listed, name)
		for _, above := range rows {
			assert.NotContains(t, listed, above, "%s imports a package above it", name)
		}
		rows = append(rows, strings.TrimSuffix(name, "/v1alpha1"))
	}
	require.Greater(t, len(rows), 25)
}
