package cmd

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// FuzzDuration requires that a duration is never negative and never overflows.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"", "30d", "12h", "45m", "0d", "-1d", "d", "213504d", "9223372036854775807d", "1e3d", "2562047h47m16s", "-1h", "1h30m", "1.5d", "٣d", "1_000h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		duration, err := parseDuration(text)
		flags := &loginFlags{expires: text}
		o := &binding.Options{}
		if errFlag := flags.apply(o); text != "" {
			assert.Equal(t, err == nil, errFlag == nil)
		}
		if err != nil {
			assert.Zero(t, duration)
			assert.Zero(t, o.Login.Expires)
			return
		}
		assert.Equal(t, duration, o.Login.Expires)
		assert.True(t, duration > 0 && duration <= maxDuration, duration)
		now := time.Now()
		assert.True(t, now.Add(duration).After(now))
		assert.Len(t, now.Add(duration).Format("2006"), 4)
	})
}

// FuzzShown prints arbitrary names in a message and in a table. No control character may reach the terminal.
func FuzzShown(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31mred", "a\rb", "\a\b\x7f", "\u009b31m", "one\ntwo\tthree", "\xff\xfe", "ü中🐘", strings.Repeat("x ", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		newConsole(&out).line(text)
		table := &metav1.Table{
			ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Name"}, {Name: stateColumn}},
			Rows:              []metav1.TableRow{{Cells: []any{text, text}}},
		}
		out.WriteString(rowByRow(shownTable(table), true, 40, palette(false)))
		require.NoError(t, printTable(&out, table, printers.PrintOptions{}))
		for _, r := range out.String() {
			require.False(t, unicode.IsControl(r) && r != '\n' && r != '\t', "%q", out.String())
		}
	})
}

// FuzzKeyFlags parses names of keys, which become names of files and variables.
func FuzzKeyFlags(f *testing.F) {
	for _, seed := range []string{"", "uri", "URI", "port", "jdbc", "pgpass", "database", "servicebinding", "../x", "uri,uri", "uri "} {
		f.Add(seed, "require")
	}
	f.Add("uri", "Require")
	f.Fuzz(func(t *testing.T, key, sslmode string) {
		o := &binding.Options{}
		if err := (&keyFlags{keys: []string{key}, sslMode: sslmode}).apply(o); err != nil {
			return
		}
		assert.Regexp(t, `^(disable|allow|prefer|require|verify-ca|verify-full)?$`, o.Keys.SSLMode)
		assert.NotEqual(t, o.Keys.ServiceBinding, len(o.Keys.Keys) == 1, "a key is either optional or servicebinding")
		for _, k := range o.Keys.Keys {
			assert.Regexp(t, `^[a-z]+$`, string(k))
		}
	})
}
