package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// The limits of what a newcomer sees first.
const (
	readmeLines  = 120
	pictureLines = 8
)

// withoutTests are pages that lead to others, or list what has no test. A generated page has a test that compares it with the code.
func withoutTests() []string { return []string{"README.md", "glossary.md", "unverified.md"} }

// howTos returns the how-tos by their names.
func howTos(t *testing.T) map[string]string {
	t.Helper()
	return contents(t, "docs/how-to/*.md")
}

// contents returns the files of the repository that match, by their names.
func contents(t *testing.T, pattern string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(pattern)))
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	texts := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a document of the repository
		require.NoError(t, err)
		texts[filepath.Base(file)] = string(content)
	}
	return texts
}

// namesDatabase returns whether the first bind of a page names its database, in a command or in a file of bindings. A page without a
// bind says how to name one.
func namesDatabase(page string) bool {
	page = strings.ReplaceAll(page, "\\\n", "")
	bind := regexp.MustCompile(
		`(?m)^ *kubectl pgbind (bind |takeover )?[a-z.]+/[^\n]*|kind: Binding\nspec:\n(  [^\n]*\n)+`,
	).FindString(
		page,
	)
	if bind == "" {
		bind = page
	}
	return strings.Contains(bind, "--dbname") || strings.Contains(bind, "  dbname: ")
}

func TestHowTos_NameADatabase(t *testing.T) {
	for name, page := range howTos(t) {
		assert.True(t, namesDatabase(page), "the first bind in %s names no database", name)
	}
}

func TestNamesDatabase(t *testing.T) {
	for page, want := range map[string]bool{
		"    kubectl pgbind deployment/web --dbname shop\n":                              true,
		"kubectl pgbind deployment/web --preset url \\\n  --dbname shop\n":               true,
		"kubectl pgbind deployment/web\nkubectl pgbind deployment/web --dbname shop\n":   false,
		"kubectl pgbind takeover deployment/web\n--dbname\n":                             false,
		"kind: Binding\nspec:\n  workload: deployment/web\n  dbname: shop\n":             true,
		"kind: Binding\nspec:\n  workload: deployment/web\n---\nspec:\n  dbname: shop\n": false,
		"kubectl pgbind harden\n`--dbname` limits it\n":                                  true,
		"kubectl pgbind harden\n":                                                        false,
	} {
		assert.Equal(t, want, namesDatabase(page), page)
	}
}

// TestHowTos_AreRun requires that TestDocuments runs a block of each how-to, or that the page names the test that does.
func TestHowTos_AreRun(t *testing.T) {
	elsewhere := map[string]string{}
	sources := contents(t, "e2e/*_test.go")
	for _, row := range regexp.MustCompile(`"([a-z-]+\.md)": +"(Test\w+)"`).FindAllStringSubmatch(sources["docs_test.go"], -1) {
		elsewhere[row[1]] = row[2]
	}
	require.NotEmpty(t, elsewhere)
	delete(sources, "docs_test.go")
	code := strings.Join(slices.Collect(maps.Values(sources)), "\n")
	pages := howTos(t)
	for name, page := range pages {
		assert.Contains(t, page, "\n```sh\n", "%s has no block that a test runs", name)
		if test := elsewhere[name]; test != "" {
			assert.Contains(t, page, "`"+test+"`", "%s names the test that runs it", name)
			assert.Contains(t, code, `"`+name+`"`, "another test than TestDocuments runs %s", name)
			assert.Contains(t, code, "func "+test+"(", name)
		}
	}
}

// TestPages_NameTheirTests requires a last section "Tests" that names tests.
func TestPages_NameTheirTests(t *testing.T) {
	pages := contents(t, "docs/*.md")
	maps.Copy(pages, howTos(t))
	checked := 0
	for name, page := range pages {
		if strings.HasPrefix(page, "<!-- written by") || slices.Contains(withoutTests(), name) {
			continue
		}
		checked++
		sections := strings.Split(page, "\n## ")
		last := sections[len(sections)-1]
		assert.True(t, strings.HasPrefix(last, "Tests\n"), "the last section of %s is Tests", name)
		assert.Regexp(t, "`Test\\w+`", last, name)
	}
	require.Greater(t, checked, 25)
}

// TestPages_NameTestsThatExist compares every test that a document names with the code.
func TestPages_NameTestsThatExist(t *testing.T) {
	code := &strings.Builder{}
	require.NoError(t, fs.WalkDir(os.DirFS(repository), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != "." {
			return errOrSkip(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			content, err := os.ReadFile(filepath.Join(repository, name)) //nolint:gosec // code of the repository
			code.Write(content)
			return err
		}
		return nil
	}))
	named := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/how-to/*.md", "contrib/*.md"} {
		for name, page := range contents(t, pattern) {
			for _, test := range regexp.MustCompile("`(Test\\w+)(/[^`]*)?`").FindAllStringSubmatch(page, -1) {
				named++
				assert.Contains(t, code.String(), "func "+test[1]+"(", "%s names %s", name, test[1])
			}
		}
	}
	require.Greater(t, named, 100)
}

// errOrSkip returns the error, or leaves out the folder.
func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

func TestReadme_IsShort(t *testing.T) {
	readme := contents(t, "README.md")["README.md"]
	assert.LessOrEqual(t, strings.Count(readme, "\n"), readmeLines)
	shown := regexp.MustCompile(`!\[[^]]*\]\(docs/([a-z]+\.svg)\)`).FindStringSubmatch(readme)
	require.NotNil(t, shown, "the README has a picture")
	svg, err := os.ReadFile(filepath.Join(repository, "docs", shown[1]))
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(picture.Text(string(svg)), "\n"), pictureLines, shown[1])
}
