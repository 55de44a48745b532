//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// clearLine clears the current line of a terminal.
const clearLine = "\r\x1b[K"

// TestOutput checks the output of all commands on a terminal of 80 columns, and in a pipe.
func TestOutput(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	dir := t.TempDir()
	t.Run("steps appear as they happen, with durations", func(t *testing.T) {
		f := f.in(t)
		screen := f.terminal(f.Pgbind(application), rows, columns)
		screen.expect("created in pod/postgresql-sfs-0")
		screen.expect("verified")
		assert.NotContains(t, screen.all(), "successfully rolled out", "that comes later")
		screen.expect("Waiting for")
		screen.expect("successfully rolled out")
		require.Zero(t, screen.end())
		assert.Regexp(t, `rolled out \(\d+\.\ds\)`, screen.all())
		f.requireReadable(screen.all())
	})
	t.Run("a bind prints five lines and the next command, and the SQL on request", func(t *testing.T) {
		f := f.in(t)
		f.idle("short", "long")
		bound := f.bind("deployment/short", "--secret=short", "--access=readonly")
		progress := slices.DeleteFunc(strings.Split(strings.TrimSpace(bound.Stderr), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "Waiting for ") // kubectl's words, as often as the rollout takes
		})
		require.Len(t, progress, 4)
		for n, pattern := range []string{
			`^role pgb_\w+ created in pod/postgresql-sfs-0, database postgres, access level readonly$`, `^login as pgb_\w+ over \S+ verified$`,
			`^deployment "short" successfully rolled out$`, `^next: kubectl pgbind psql deployment.apps/short -n ` + f.Name + `$`,
		} {
			assert.Regexp(t, pattern, progress[n])
		}
		assert.Equal(t, "secret/short created\ndeployment.apps/short bound\n", bound.Stdout)
		assert.Contains(
			t, f.bind("deployment/long", "--secret=long", "--access=readwrite", "-v=1").Stderr,
			"GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE public.company TO ",
		)
		f.run(f.Pgbind("unbind", "deployment/short"))
		f.run(f.Pgbind("unbind", "deployment/long"))
	})
	t.Run("tables that are too wide are printed row by row", func(t *testing.T) {
		f := f.in(t)
		assert.Regexp(t, `(?m)^STATE +OK`, f.shown(0, f.Pgbind("check")))
		f.admin("ALTER ROLE " + f.login(firstSecret).Username + " NOLOGIN")
		found := f.shown(1, f.Pgbind("check"))
		assert.Regexp(t, `(?m)^STATE +LoginFailed`, found)
		assert.NotContains(t, found, "\x1b")
	})
	t.Run("apply counts in one line on a terminal", func(t *testing.T) {
		f := f.in(t)
		file := filepath.Join(dir, "bindings.yaml")
		require.NoError(
			t,
			os.WriteFile(file, []byte("apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: "+application+"}\n"), 0o600),
		)
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

// shown returns what the command prints to a terminal. It must end with that code.
func (f *fixture) shown(code int, command *harness.Command) string {
	f.t.Helper()
	screen := f.terminal(command, rows, columns)
	require.Equal(f.t, code, screen.end(), screen.all())
	f.requireReadable(screen.all())
	return screen.all()
}

// requireReadable fails if the terminal itself had to break a line. A fix is never wrapped, so that it can be copied.
func (f *fixture) requireReadable(shown string) {
	f.t.Helper()
	for line := range strings.Lines(picture.Plain(shown)) {
		drawn := strings.Split(strings.TrimRight(line, "\r\n"), clearLine)
		line = drawn[len(drawn)-1]
		assert.True(f.t, utf8.RuneCountInString(line) <= columns || strings.HasPrefix(line, "FIX"), "wrapped by the terminal: %s", line)
	}
}
