package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/docs"
)

const head = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\n"

func read(text string) ([]*Document, error) {
	return (&Reader{Stdin: strings.NewReader(text)}).Read(Stdin)
}

func TestRead(t *testing.T) {
	t.Run("several documents", func(t *testing.T) {
		found, err := read(
			"---\n# nothing\n---\n" + head + "spec: {workload: deployment/web}\n---\n" + head + "spec:\n  workload: deployment/api\n  port: 6432\n",
		)
		require.NoError(t, err)
		require.Len(t, found, 2)
		assert.Equal(t, "deployment/web", found[0].Spec.Workload)
		assert.Equal(t, int32(6432), found[1].Spec.Port)
		assert.Equal(t, "stdin:12: spec.port", found[1].At("spec", "port"))
	})
	t.Run("a list", func(t *testing.T) {
		found, err := read(
			`{"apiVersion":"v1","kind":"List","metadata":{},"items":[{"apiVersion":"pgbind.dev/v1alpha1","kind":"Binding","metadata":{"namespace":"a",
			"creationTimestamp":"2026-01-02T03:04:05Z"},"spec":{"workload":"deployment/web","schemas":["public"]},"status":{"state":"Bound"}}]}`,
		)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Equal(t, "a", found[0].Namespace)
		assert.Equal(t, []string{"public"}, found[0].Spec.Schemas)
	})
	t.Run("unquoted date", func(t *testing.T) {
		found, err := read(head + "metadata: {creationTimestamp: 2026-01-02T03:04:05Z}\nspec: {workload: deployment/web}\n")
		require.NoError(t, err)
		assert.Equal(t, 2026, found[0].CreationTimestamp.Year())
	})
}

func TestRead_RejectsMistakes(t *testing.T) {
	spec := head + "spec:\n  workload: deployment/web\n"
	for name, test := range map[string]struct{ text, want string }{
		"an unknown field":            {spec + "  acess: all\n", "stdin:5: spec.acess: unknown field"},
		"another case":                {spec + "  Access: all\n", "stdin:5: spec.Access: unknown field"},
		"an unknown field above":      {spec + "spek: {}\n", "stdin:5: spek: unknown field"},
		"a doubled field":             {spec + "  access: all\n  access: readonly\n", "stdin:6: spec.access: duplicate field, first set in line 5"},
		"a wrong type":                {spec + "  port: \"5432\"\n", "stdin:5: spec.port: must be of type integer, not string"},
		"a number for a text":         {spec + "  dbname: 5\n", "stdin:5: spec.dbname: must be of type string, not number"},
		"an unknown value":            {spec + "  access: readwrit\n", "stdin:5: spec.access: should be one of [all readwrite readonly]"},
		"a value out of range":        {spec + "  port: 70000\n", "stdin:5: spec.port: should be less than or equal to 65535"},
		"a missing field":             {head + "spec:\n  dbname: shop\n", "stdin:3: spec.workload: is required"},
		"another kind":                {"apiVersion: v1\nkind: Secret\nspec: {workload: a/b}\n", "stdin:2: kind: should be one of [Binding]"},
		"a wrong item":                {spec + "  containers:\n  - app\n  - 7\n", "stdin:7: spec.containers[1]: must be of type string, not number"},
		"a workload without a type":   {head + "spec:\n  workload: web\n", "stdin:4: spec.workload: must be TYPE/NAME, for example deployment/web"},
		"a workload that is a number": {head + "spec:\n  workload: 5\n", "stdin:4: spec.workload: must be TYPE/NAME, for example deployment/web"},
		"a server with two slashes":   {spec + "  postgres: a/b/c\n", "stdin:5: spec.postgres: must be TYPE/NAME or the name of a Pod, for example service/pg"},
		"a password in clear text":    {spec + "  passwordFrom: hunter2\n", "stdin:5: spec.passwordFrom: must be secret/NAME:KEY, for example secret/pg:password"},
		"a relative path":             {spec + "  mountPath: db\n", "stdin:5: spec.mountPath: must be an absolute path, for example /run/secrets/db"},
		"a duration for a time":       {spec + "  expires: 30d\n", "stdin:5: spec.expires: must be a time, for example 2030-12-31T18:00:00Z"},
		"no YAML":                     {spec + "  x: [\n", "stdin: yaml: line "},
		"a key that is a number":      {spec + "  5: all\n", "stdin:5: spec: the field name \"5\" is not a string"},
		"a list's item":               {"kind: List\nitems:\n- kind: Binding\n  apiVersion: pgbind.dev/v1alpha1\n  spec: {workload: a/b, x: 1}\n", "stdin:5: items[0].spec.x: unknown field"},
		"a list's own unknown field":  {"kind: List\nitem: []\n", "stdin:2: item: unknown field"},
		"items without a list":        {"kind: List\nitems: {}\n", "stdin:2: items: must be a list"},
		"a text":                      {"hello\n", "stdin:1: must be of type object, not string"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := read(test.text)
			require.ErrorContains(t, err, test.want)
			assert.Empty(t, found)
		})
	}
}

func TestRead_ReportsEveryMistake(t *testing.T) {
	_, err := read(head + "spec: {workload: a/b, x: 1, access: no}\n---\n" + head + "spec: {workload: a/b, y: 1}\n")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3)
}

func TestRead_Directories(t *testing.T) {
	dir := t.TempDir()
	write := func(name, workload string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(head+"spec: {workload: "+workload+"}\n"), 0o600))
	}
	write("b.yaml", "deployment/b")
	write("a.json", "deployment/a")
	write("notes.txt", "deployment/ignored")
	write("deep/c.yml", "deployment/c")
	for _, test := range []struct {
		recursive bool
		want      []string
	}{
		{false, []string{"deployment/a", "deployment/b"}},
		{true, []string{"deployment/a", "deployment/b", "deployment/c"}},
	} {
		found, err := (&Reader{Recursive: test.recursive}).Read(dir)
		require.NoError(t, err)
		var names []string
		for _, d := range found {
			names = append(names, d.Spec.Workload)
		}
		assert.Equal(t, test.want, names)
	}
	_, err := (&Reader{}).Read(filepath.Join(dir, "missing.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestSchema_DescribesEveryPattern: a message with a regular expression helps nobody.
func TestSchema_DescribesEveryPattern(t *testing.T) {
	type node struct {
		Pattern, Format string
		Properties      map[string]node
	}
	var root node
	require.NoError(t, json.Unmarshal(docs.BindingSchema, &root))
	s, err := newSchema()
	require.NoError(t, err)
	patterns := 0
	for name, field := range root.Properties["spec"].Properties {
		if field.Pattern == "" && field.Format == "" {
			continue
		}
		patterns++
		rule := s.fields.rule([]string{"spec", name})
		require.NotEmpty(t, rule, name)
		_, example, _ := strings.Cut(rule, "for example ")
		assert.Regexp(t, field.Pattern, example, name)
	}
	assert.GreaterOrEqual(t, patterns, 6)
	assert.Empty(t, s.fields.rule([]string{"spec", "port"}))
	assert.Empty(t, s.fields.rule([]string{"no", "such", "field"}))
}
