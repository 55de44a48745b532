//go:build e2e

// Package privileges tests on real servers what a bound application can do and what it cannot. It shares no SQL with the plugin, and runs
// the plugin as a user does.
package privileges

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// testTime limits the tests of one server version.
const testTime = 40 * time.Minute

var cluster *harness.Harness

func TestMain(m *testing.M) {
	os.Exit(harness.RunTests(os.Stderr, func(h *harness.Harness) int {
		cluster = h
		return m.Run()
	}))
}

// levels are the access levels, from the narrowest to the widest.
func levels() []string { return []string{"readonly", "readwrite", "all"} }

// versions are the server versions to test: those in PGBIND_PG, separated by spaces. The Makefile always sets it.
func versions(t *testing.T) []string {
	t.Helper()
	chosen := strings.Fields(os.Getenv("PGBIND_PG"))
	require.NotEmpty(t, chosen, "PGBIND_PG names no server version: run make privileges, or set PGBIND_PG=15")
	return chosen
}

// server is a PostgreSQL server in a namespace of its own. Its methods fail the test instead of returning errors.
type server struct {
	*harness.Namespace
	t       *testing.T
	ctx     context.Context
	version string
}

// onEachVersion runs a test on a server of each version, in parallel.
func onEachVersion(t *testing.T, test func(s *server), changes ...harness.Change) {
	t.Helper()
	for _, version := range versions(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(newServer(t, version, changes...))
		})
	}
}

// newServer starts the lesson's database with the changes, without the lesson's application. The namespace is deleted when the test ends.
func newServer(t *testing.T, version string, changes ...harness.Change) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	namespace, err := cluster.CreateNamespace(ctx)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			assert.NoError(t, namespace.Dump(ctx, t.ArtifactDir()))
		}
		assert.NoError(t, namespace.Delete(ctx))
	})
	require.NoError(t, namespace.ApplyLesson(ctx, append(changes, harness.Version(version), harness.WithoutClaim, withoutApplication)...))
	require.NoError(t, namespace.Rollout(ctx, "statefulset/"+lesson.Database))
	return &server{Namespace: namespace, t: t, ctx: ctx, version: version}
}

// withoutApplication has the lesson's Deployment run no Pods.
func withoutApplication(object *unstructured.Unstructured) error {
	if object.GetKind() != "Deployment" {
		return nil
	}
	return unstructured.SetNestedField(object.Object, int64(0), "spec", "replicas")
}

// admin runs a psql script as the superuser postgres in the database and returns the rows. The script must not fail.
func (s *server) admin(database, script string) string {
	s.t.Helper()
	rows, err := s.exec("psql", psqlFlags("postgres", database, "--set=ON_ERROR_STOP=1")...).Stdin(script).Output(s.ctx)
	require.NoError(s.t, err)
	return strings.TrimSpace(rows)
}

// as runs a psql script with the application's login, over the Service, and returns the rows and what psql wrote to
// stderr. A statement that fails does not end the script.
func (s *server) as(login harness.Login, database, script string) harness.Result {
	s.t.Helper()
	wrapper := `IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql "$@"`
	args := append([]string{"-c", wrapper, "psql", "--host=" + login.Host}, psqlFlags(login.Username, database)...)
	result, err := s.exec("sh", args...).Stdin(login.Password + "\n" + script).Run(s.ctx)
	require.NoError(s.t, err)
	return result
}

// pgbind runs the plugin in the server's namespace. It must succeed.
func (s *server) pgbind(args ...string) harness.Result {
	s.t.Helper()
	result, err := s.Pgbind(args...).Run(s.ctx)
	require.NoError(s.t, err)
	require.Zero(s.t, result.Code, "kubectl pgbind %v\nstdout: %s\nstderr: %s", args, result.Stdout, result.Stderr)
	return result
}

func (s *server) exec(program string, args ...string) *harness.Command {
	in := []string{"exec", "--stdin", lesson.DatabasePod, "--container=" + lesson.Container, "--", program}
	return s.Kubectl(append(in, args...)...)
}

func psqlFlags(user, database string, more ...string) []string {
	flags := []string{
		"--username=" + user, "--dbname=" + database, "--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
		"--no-password", "--file=-",
	}
	return append(flags, more...)
}
