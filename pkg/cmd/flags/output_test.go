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

func TestOutput_TakesJUnitOnlyForFindings(t *testing.T) {
	t.Parallel()
	o := NewOutput()
	*o.OutputFormat = "junit"
	require.ErrorContains(t, o.Validate(), "allowed formats are")
	o.JUnit = true
	require.NoError(t, o.Validate())
	assert.False(t, o.IsTable())
}

func TestNames_PrintsArguments(t *testing.T) {
	t.Parallel()
	text := &strings.Builder{}
	require.NoError(t, (&Names{}).Print(text, []string{"a"}))
	assert.Empty(t, text.String(), "not requested")
	names := &Names{format: "name"}
	require.NoError(t, names.Validate())
	require.NoError(t, names.Print(text, []string{"web-pgbind", "b"}))
	assert.Equal(t, "binding.pgbind.dev/web-pgbind\nbinding.pgbind.dev/b\n", text.String())
	require.ErrorContains(t, (&Names{format: "json"}).Validate(), "use -o name")
}

func TestAge_TakesDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "0s": 0, "-1h": -time.Hour} {
		var age time.Duration
		require.NoError(t, NewAge(&age).Set(text))
		assert.Equal(t, want, age, text)
	}
	var age time.Duration
	for _, text := range []string{"", "soon", "d", "-3d", "999999999d"} {
		require.ErrorContains(t, NewAge(&age).Set(text), "use a duration such as 30d", text)
	}
	assert.Empty(t, NewAge(&age).String(), "no default in the help")
}
