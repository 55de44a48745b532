//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// shellBlock matches the commands of a document. A block that cannot run here has no mark "sh".
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// followedElsewhere are the documents that need another server than the lesson's, with the test that runs their commands. TestExamples
// runs those of the reference, which are the examples of the help.
func followedElsewhere() map[string]string {
	return map[string]string{
		"reference.md":     "TestExamples",
		"pgbouncer.md":     "TestPooler",
		"tls.md":           "TestTLS",
		"cloudnativepg.md": "TestDatabasesOfOperators",
		"bitnami.md":       "TestDatabasesOfOperators",
		"zalando.md":       "TestPatroni",
		"crunchy.md":       "TestPatroni",
	}
}

// TestDocuments runs the commands of every document, each in one shell. The databases of the documents are the database shop on the
// lesson's server and on the server pg.
func TestDocuments(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE DATABASE shop")
	f.secondServer("pg")
	f.create(deployment("web", nil))
	f.create(migrated("shop"))
	f.rollout("deployment/web")
	f.removeNamespace("pgbind-docs-shop")
	f.removeNamespace("pgbind-tutorial")
	documents := 0
	for _, pattern := range []string{"*.md", "how-to/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", "docs", pattern))
		require.NoError(t, err)
		for _, file := range files {
			name := filepath.Base(file)
			if followedElsewhere()[name] != "" || commandsIn(t, file) == "" {
				continue
			}
			documents++
			t.Run(name, func(t *testing.T) { f.in(t).follow(file) })
		}
	}
	assert.NotZero(t, documents)
}

// migrated is a Deployment whose init container migrates the database, as soon as it has a login.
func migrated(name string) *appsv1.Deployment {
	return deployment(name, func(pod *corev1.PodSpec) {
		pod.TerminationGracePeriodSeconds = new(int64)
		pod.InitContainers = []corev1.Container{{Name: "migrate", Image: databaseImage, Command: []string{
			"sh", "-c", `[ -z "$PGHOST" ] || exec psql --command='CREATE TABLE IF NOT EXISTS items (id int)'`,
		}}}
	})
}

// TestReadme runs the commands of the README after a bind, as the demo does.
func TestReadme(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	f.follow(filepath.Join("..", "README.md"), lesson.Namespace, f.Name)
}

// TestReadme_YourDatabase runs the first commands of the README, which are for a reader with a database, in a namespace whose server has
// another name than the lesson's.
func TestReadme_YourDatabase(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Use it with your database\n")
	require.True(t, found)
	block := regexp.MustCompile(`(?m)^( {4}kubectl pgbind .*\n)+`).FindString(section)
	commands := lines(strings.ReplaceAll(block, "-n shop", "-n "+f.Name))
	require.Len(t, commands, 5, block)
	names := regexp.MustCompile(`deployment/(\w+) .*--postgres service/(\w+) --dbname (\w+)`).FindStringSubmatch(block)
	require.NotNil(t, names, block)
	workload, server, database := names[1], names[2], names[3]
	require.NotEqual(t, lesson.DatabaseService, server)
	f.serverPods(database, server)
	f.idle(workload)
	var result harness.Result
	for _, command := range commands {
		result, err = f.Shell(f.ctx, t.TempDir(), command)
		require.NoError(t, err)
		require.Zero(t, result.Code, "%s\nstdout: %s\nstderr: %s", command, result.Stdout, result.Stderr)
		f.requireNoPassword(result.Stdout + result.Stderr)
		if strings.Contains(command, "--dbname") {
			f.isBoundTo(workload, "service/"+server, database)
			assert.Equal(t, database, string(f.secret(secretOf(workload)).Data["POSTGRES_DB"]))
		}
	}
	assert.Empty(t, f.boundSecrets(), result.Stdout)
	assert.Equal(t, "0", f.sqlIn(server, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_'"))
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
