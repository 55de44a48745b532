package printers

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FuzzVisible prints arbitrary names in a message and in a table. No control character may reach the terminal.
func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31mred", "a\rb", "\a\b\x7f", "\u009b31m", "one\ntwo\tthree", "\xff\xfe", "ü中🐘", strings.Repeat("x ", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		NewConsole(&out).progress(text)
		table := &metav1.Table{
			ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Name"}, {Name: commandColumn}},
			Rows:              []metav1.TableRow{{Cells: []any{text, text}}},
		}
		out.WriteString(rowByRow(table, true, 40))
		require.NoError(t, PrintTable(&out, table, Options{}))
		for _, r := range out.String() {
			require.False(t, unicode.IsControl(r) && r != '\n' && r != '\t', "%q", out.String())
		}
	})
}
