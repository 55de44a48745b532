package flags

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// databases are two objects to print. The name of the second contains the escape sequence that clears a terminal.
type databases struct{}

func (databases) Table(time.Time) *metav1.Table {
	object := func(name string) runtime.RawExtension {
		return runtime.RawExtension{Object: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}}
	}
	return &metav1.Table{
		ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Database"}, {Name: "ID", Priority: 1}},
		Rows: []metav1.TableRow{
			{Cells: []any{"shop", "a"}, Object: object("shop")},
			{Cells: []any{"\x1b[2J\u009b", "b"}, Object: object("other")},
		},
	}
}

func (databases) List(time.Time) (*unstructured.UnstructuredList, error) {
	return &unstructured.UnstructuredList{
		Object: map[string]any{"apiVersion": "v1", "kind": "List"},
		Items: []unstructured.Unstructured{
			{Object: map[string]any{"spec": map[string]any{"database": "shop", "schemas": []any{"a", "b"}}}},
			{Object: map[string]any{"spec": map[string]any{"database": "\x1b[2J\u009b", "port": int64(5432)}}},
		},
	}, nil
}

// output prints the databases with the flags.
func output(t *testing.T, args ...string) (string, error) {
	t.Helper()
	o, text := NewOutput(), &strings.Builder{}
	cmd := &cobra.Command{RunE: func(*cobra.Command, []string) error { return o.Print(text, databases{}, true) }}
	o.AddTo(cmd)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	return text.String(), err
}

func TestOutput_PrintsFormats(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                    "NAMESPACE   DATABASE\nns          shop\nns          ^[[2J\ufffd\n",
		"--no-headers":                        "ns    shop\nns    ^[[2J\ufffd\n",
		"-o wide --no-headers":                "ns    shop     a\nns    ^[[2J\ufffd   b\n",
		"-o custom-columns=DB:.spec.database": "DB\nshop\n\ufffd[2J\ufffd\n",
		"-o custom-columns=DB:.spec.database --no-headers":                 "shop\n\ufffd[2J\ufffd\n",
		"-o custom-columns=DB:spec.database,Port:{.spec.port}":             "DB      Port\nshop    <none>\n\ufffd[2J\ufffd   5432\n",
		"-o custom-columns=SCHEMAS:.spec.schemas[*]":                       "SCHEMAS\na,b\n<none>\n",
		"-o custom-columns=FIRST:.spec.schemas[0],X:.status.y[*].z":        "FIRST    X\na        <none>\n<none>   <none>\n",
		"-o jsonpath={.items[0].spec.database}":                            "shop",
		"-o go-template={{range.items}}{{.spec.database}}{{break}}{{end}}": "shop",
	} {
		text, err := output(t, strings.Fields(args)...)
		require.NoError(t, err, args)
		assert.Equal(t, want, text, args)
	}
}

func TestOutput_RejectsFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"xml", "custom-columns", "custom-columns=", "custom-columns=DB", "custom-columns=DB:.spec["} {
		_, err := output(t, "-o", format)
		require.Error(t, err, format)
	}
	_, err := output(t, "-o", "xml")
	assert.ErrorContains(t, err, "custom-columns,")
}
