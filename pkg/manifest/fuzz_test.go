package manifest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// FuzzRead reads arbitrary files. Every accepted binding can be written and read again.
func FuzzRead(f *testing.F) {
	const head = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\n"
	for _, seed := range []string{
		"", "#", "---\n---\n", "a", "[]", "{}", "null", "!!str", "&a [*a]", "&a {b: *a}", "? [x]\n: y", "1: 2", "kind: List", "kind: List\nitems:\n- {}", "kind: List\nitems: 1",
		head + "spec: {workload: deployment/web}", head + "spec: {workload: deployment/web, schemas: [a, 'b c'], port: 5433, isolated: true, expires: 2030-01-02T03:04:05Z}",
		head + "spec: {workload: deployment/web, workload: deployment/web}", head + "spec: {workload: &w deployment/web, secret: *w}",
		head + "spec: {<<: {workload: deployment/web}}", `{"apiVersion": "pgbind.dev/v1alpha1", "kind": "Binding", "spec": {"workload": "deployment/web"}}`,
		head + "metadata: {name: 1}\nspec: {workload: deployment/web, username: \"\\u0000\"}", "\xef\xbb\xbf" + head, "%YAML 1.1\n---\n" + head, "spec: !!binary aGk=", "x: !!float nan",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		documents, err := (&Reader{Stdin: strings.NewReader(text)}).Read(Stdin)
		if err != nil {
			return
		}
		for _, document := range documents {
			assert.NotEmpty(t, document.At("spec", "workload"))
			written, err := yaml.Marshal(document.Binding)
			require.NoError(t, err)
			again, err := (&Reader{Stdin: strings.NewReader(string(written))}).Read(Stdin)
			require.NoError(t, err)
			require.Len(t, again, 1)
			assert.Equal(t, document.Spec, again[0].Spec)
		}
	})
}
