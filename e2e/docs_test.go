//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// shellBlock matches the commands of a document. A block that cannot run here has no mark "sh".
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// followedElsewhere are the documents that need more than the lesson's database, or whose commands are those of the help.
func followedElsewhere() []string {
	return []string{"reference.md", "pgbouncer.md", "tls.md", "cloudnativepg.md", "zalando.md", "crunchy.md", "bitnami.md"}
}

// TestDocuments runs the commands of every document, each in one shell.
func TestDocuments(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("web", nil))
	f.rollout("deployment/web")
	f.removeNamespace("pgbind-docs-shop")
	f.removeNamespace("pgbind-tutorial")
	documents := 0
	for _, pattern := range []string{"*.md", "how-to/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", "docs", pattern))
		require.NoError(t, err)
		for _, file := range files {
			name := filepath.Base(file)
			if slices.Contains(followedElsewhere(), name) || commandsIn(t, file) == "" {
				continue
			}
			documents++
			t.Run(name, func(t *testing.T) { f.in(t).follow(file) })
		}
	}
	assert.NotZero(t, documents)
}

// TestReadme runs the commands of the README after a bind, as the demo does.
func TestReadme(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	f.follow(filepath.Join("..", "README.md"), lesson.Namespace, f.Name)
}

// follow runs the commands of a document, with each old word replaced by the new one after it.
func (f *fixture) follow(file string, oldnew ...string) {
	f.t.Helper()
	script := strings.NewReplacer(oldnew...).Replace(commandsIn(f.t, file))
	require.NotEmpty(f.t, script)
	result, err := f.Shell(f.ctx, f.t.TempDir(), script)
	require.NoError(f.t, err)
	assert.Zero(f.t, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
}

// howTo returns the path of a how-to.
func howTo(name string) string { return filepath.Join("..", "docs", "how-to", name) }

// commandsIn returns the commands of a document, each block announced on stderr.
func commandsIn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a document of this repository
	require.NoError(t, err)
	script := &strings.Builder{}
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		first, _, _ := strings.Cut(block[1], "\n")
		script.WriteString("echo '--- block: " + strings.ReplaceAll(first, "'", "") + "' >&2\n" + block[1])
	}
	return script.String()
}

// removeNamespace deletes a namespace that a document creates, now and when the test ends.
func (f *fixture) removeNamespace(name string) {
	f.t.Helper()
	remove := func(ctx context.Context) {
		if err := f.Client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			assert.NoError(f.t, err)
		}
	}
	remove(f.ctx)
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		remove(ctx)
	})
}
