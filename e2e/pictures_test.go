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
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/picture"
)

// The size of the terminal that the pictures show.
const (
	rows    = 24
	columns = 110
)

// TestPictures runs the commands of the README's pictures on a real terminal and compares. "make pictures" draws them again. The bind is
// that of a reader with a database.
func TestPictures(t *testing.T) {
	t.Parallel()
	t.Run("bind", func(t *testing.T) {
		f := newNamespace(t)
		f.serverPods("shop", "db")
		f.idle("web")
		bind := f.play("shop", "deployment/web", "-n", f.Name, "--postgres", "service/db", "--dbname", "shop")
		for line := range strings.Lines(picture.Plain(bind)) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), columns, "wrapped by the terminal: %s", line)
		}
		f.compare("bind.svg", "A run of kubectl pgbind", bind)
	})
	t.Run("list", func(t *testing.T) {
		f := newLesson(t, harness.WithoutClaim)
		f.bind(application)
		f.compare("list.svg", "The bindings of a namespace as a tree", f.play(lesson.Namespace, "list", "--tree"))
	})
}

// play runs the plugin on a terminal and returns the command line and the output, with another name for the namespace. Nothing is
// overwritten.
func (f *fixture) play(namespace string, args ...string) string {
	f.t.Helper()
	command := f.Pgbind(args...)
	screen := f.terminal(command, rows, columns)
	require.Zero(f.t, screen.end(), screen.all())
	shown := strings.ReplaceAll(screen.all(), "\r\n", "\n")
	assert.NotContains(f.t, shown, "\r")
	return strings.ReplaceAll("$ kubectl pgbind "+strings.Join(args, " ")+"\n"+shown, f.Name, namespace)
}

// compare fails if the picture differs from the terminal's output, apart from what differs from run to run.
func (f *fixture) compare(name, title, shown string) {
	f.t.Helper()
	f.requireNoPassword(shown)
	file := filepath.Join("..", "docs", name)
	if os.Getenv("PGBIND_DRAW_PICTURES") != "" {
		require.NoError(f.t, os.WriteFile(file, []byte(picture.Draw(title, tidy(shown))), 0o600))
	}
	svg, err := os.ReadFile(file) //nolint:gosec // a picture of the repository
	require.NoError(f.t, err)
	assert.Equal(
		f.t, steady(picture.Text(string(svg))), steady(picture.Plain(shown)),
		"%s is not what is shown by now: run make pictures", name,
	)
}

// tidy removes what a reader of a picture does not need: durations, and the lines that say what a rollout waits for.
func tidy(shown string) string {
	shown = regexp.MustCompile(` +\(\d+(\.\d+)?(ms|s|m)\)`).ReplaceAllString(shown, "")
	return regexp.MustCompile(`(?m)^Waiting for [^.]*\.\.\.\n`).ReplaceAllString(shown, "")
}

// steady removes what differs from run to run: derived names, durations, ages, the number of lines about the rollout, and line breaks.
func steady(shown string) string {
	shown = tidy(shown)
	for pattern, same := range map[string]string{
		`Waiting for [^.]*\.\.\.`:        "",
		`pgb_[a-z0-9]+_1`:                "LOGIN",
		`pgbind_postgres_[a-z0-9_]+`:     "ACCESS",
		`\(\d+\.\ds\)`:                   "",
		`\b\d+(ms|s|m|h)\b`:              "AGE",
		`deployment-[a-z0-9]+-[a-z0-9]+`: "POD",
	} {
		shown = regexp.MustCompile(pattern).ReplaceAllString(strings.Join(strings.Fields(shown), " "), same)
	}
	return strings.Join(strings.Fields(shown), " ")
}
