//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// What a terminal is told: the colours of states, and to forget a line.
const (
	green     = "\x1b[32m"
	red       = "\x1b[31m"
	clearLine = "\r\x1b[K"
)

// TestOutput looks at one binding's life on a terminal of 80 columns, and at the same in a pipe.
func TestOutput(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	dir := t.TempDir()
	t.Run("steps appear as they happen, with durations", func(t *testing.T) {
		f := f.in(t)
		screen := f.terminal(f.Pgbind(application), rows, columns)
		screen.expect("created in pod/postgresql-sfs-0")
		screen.expect("proved")
		assert.NotContains(t, screen.all(), "successfully rolled out", "that comes later")
		screen.expect("Waiting for")
		screen.expect("successfully rolled out")
		require.Zero(t, screen.end())
		assert.Regexp(t, `rolled out \(\d+\.\ds\)`, screen.all())
		f.requireReadable(screen.all())
	})
	t.Run("tables are printed row by row, with states in colour", func(t *testing.T) {
		f := f.in(t)
		assert.Contains(t, f.shown(0, f.Pgbind("list")), green+"Bound")
		assert.Contains(t, f.shown(0, f.Pgbind("check")), green+"OK")
		f.admin("ALTER ROLE " + f.login(firstSecret).Username + " NOLOGIN")
		assert.Regexp(t, `(?m)^STATE +`+regexp.QuoteMeta(red)+`LoginFailed`, f.shown(1, f.Pgbind("check")))
	})
	t.Run("colours can be refused", func(t *testing.T) {
		f := f.in(t)
		assert.NotContains(t, f.shown(1, f.Pgbind("check").Env("NO_COLOR=")), "\x1b")
		assert.NotContains(t, f.shown(1, f.Pgbind("check").Env("TERM=dumb")), "\x1b")
	})
	t.Run("an apply counts in one line, on a terminal only", func(t *testing.T) {
		f := f.in(t)
		file := filepath.Join(dir, "bindings.yaml")
		require.NoError(t, os.WriteFile(file, []byte("apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: "+application+"}\n"), 0o600))
		assert.Contains(t, f.shown(0, f.Pgbind("apply", "-f", file)), "1 done, 0 failed, 0 left")
		piped := f.bind("apply", "-f", file)
		assert.NotContains(t, piped.Stdout+piped.Stderr, "\r")
		assert.NotContains(t, piped.Stdout+piped.Stderr, "left")
	})
	t.Run("a pipe gets plain lines", func(t *testing.T) {
		f := f.in(t)
		for _, args := range [][]string{{application}, {"list"}, {"list", "--tree"}, {"check"}} {
			result := f.run(f.Pgbind(args...))
			assert.NotRegexp(t, `[\x00-\x08\x0b-\x1f]`, result.Stdout+result.Stderr, args)
		}
	})
	t.Run("quiet shows the result only", func(t *testing.T) {
		f := f.in(t)
		assert.Regexp(t, `^role/\S+ dropped\r\nsecret/\S+ deleted\r\n\S+ unbound\r\n$`, f.shown(0, f.Pgbind("unbind", application, "-q")))
	})
}

// shown is what the command shows on a terminal before it ends with that code.
func (f *fixture) shown(code int, command *harness.Command) string {
	f.t.Helper()
	screen := f.terminal(command, rows, columns)
	require.Equal(f.t, code, screen.end(), screen.all())
	f.requireReadable(screen.all())
	return screen.all()
}

// requireReadable fails where the terminal itself had to break a line. A fix is never wrapped, so that it can be copied.
func (f *fixture) requireReadable(shown string) {
	f.t.Helper()
	for line := range strings.Lines(picture.Plain(shown)) {
		drawn := strings.Split(strings.TrimRight(line, "\r\n"), clearLine)
		line = drawn[len(drawn)-1]
		assert.True(f.t, utf8.RuneCountInString(line) <= columns || strings.HasPrefix(line, "FIX"), "wrapped by the terminal: %s", line)
	}
}
