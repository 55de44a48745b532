package v1alpha1

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// schemaFile is written if PGBIND_WRITE_SCHEMA is set.
const schemaFile = "../../../docs/binding.schema.json"

// metadata is the part of an object's metadata that a file of bindings can contain.
type metadata struct {
	// The name of the binding in its file. It has no effect.
	Name string `json:"name,omitempty"`
	// The namespace of the workload. Default: the current namespace.
	Namespace string `json:"namespace,omitempty"`
	// Labels of your own.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations of your own.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Printed by list and ignored in files.
	CreationTimestamp *metav1.Time `json:"creationTimestamp,omitempty"`
}

// schema returns the JSON Schema of a Binding, with details that Go's types do not have.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true}
	require.NoError(t, r.AddGoComments("github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1", "."))
	r.Mapper = func(of reflect.Type) *jsonschema.Schema {
		switch of {
		case reflect.TypeFor[metav1.Time]():
			return &jsonschema.Schema{Type: "string", Format: "date-time"}
		case reflect.TypeFor[metav1.ObjectMeta]():
			meta := r.Reflect(&metadata{})
			meta.Version = ""
			return meta
		}
		return nil
	}
	s := r.Reflect(&Binding{})
	s.ID = "https://raw.githubusercontent.com/kubectl-pgbind/kubectl-pgbind/main/docs/binding.schema.json"
	s.Title = "Binding of kubectl pgbind"
	s.Required = []string{"apiVersion", "kind", "spec"}
	s.Properties.GetPair("apiVersion").Value.Enum = []any{APIVersion}
	s.Properties.GetPair("kind").Value.Enum = []any{Kind}
	return s
}

func TestSchema_IsUpToDate(t *testing.T) {
	text, err := json.MarshalIndent(schema(t), "", "  ")
	require.NoError(t, err)
	text = append(text, '\n')
	if os.Getenv("PGBIND_WRITE_SCHEMA") != "" {
		require.NoError(t, os.WriteFile(schemaFile, text, 0o600))
	}
	written, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	assert.Equal(t, string(text), string(written), "update it with: make schema")
}
