//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

const (
	firstMigration  = "CREATE TABLE IF NOT EXISTS items(id serial PRIMARY KEY, name text)"
	secondMigration = firstMigration + `; ALTER TABLE items ADD COLUMN IF NOT EXISTS price int; CREATE INDEX IF NOT EXISTS items_price ON items(price);
		CREATE TABLE IF NOT EXISTS orders(id serial PRIMARY KEY, item int REFERENCES items)`
)

// withMigration is a Deployment whose init container migrates the database before the application starts.
func withMigration(name string) *appsv1.Deployment {
	return deployment(name, func(pod *corev1.PodSpec) {
		pod.TerminationGracePeriodSeconds = new(int64)
		pod.Containers[0].Image, pod.Containers[0].Command = databaseImage, []string{
			"sh", "-c", "psql -qc 'SELECT FROM items' && exec sleep infinity",
		}
		pod.InitContainers = []corev1.Container{{
			Name: "migrate", Image: databaseImage, Command: []string{"sh", "-c", `exec psql -v ON_ERROR_STOP=1 -qc "$MIGRATION"`},
			Env: []corev1.EnvVar{{Name: "MIGRATION", Value: firstMigration}},
		}}
	})
}

// TestOwnerContainer has an init container that owns the tables, while the application cannot change them.
func TestOwnerContainer(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	const name, workload = "shop", "deployment/shop"
	secret, owner := secretOf(name), secretOf(name)+"-owner"
	f.create(withMigration(name))
	before := f.deployment(name).Spec.Template

	result := f.bind(workload, "--owner-container=migrate", "--access=readwrite", "--preset=libpq", "--secret="+secret)
	assert.Equal(t, 2, strings.Count(result.Stdout, " created"), result.Stdout)
	f.rollout(workload)
	f.requireOwner(name, "1")
	f.kubectl("set", "env", workload, "--containers=migrate", "MIGRATION="+secondMigration)
	f.rollout(workload)
	assert.Equal(t, "0", f.asLibpq(secret, "SELECT count(price) FROM items"), "a column of the second migration")
	f.asLibpq(secret, "INSERT INTO items(name, price) VALUES ('a', 1); INSERT INTO orders(item) SELECT max(id) FROM items")

	again := f.bind(workload, "--owner-container=migrate", "--access=readwrite")
	assert.Equal(t, 4, strings.Count(again.Stdout, " unchanged"), again.Stdout)
	f.bind(workload, "--access=readwrite", "--container=*")
	f.requireOwner(name, "1")

	f.bind("rotate", workload, "--grace=1s")
	f.requireOwner(name, "2")
	t.Run("files", func(t *testing.T) { f.in(t).testOwnerInFiles(secret, owner) })
	t.Run("psql", func(t *testing.T) {
		f := f.in(t)
		unclear := f.run(f.Pgbind("psql", workload, "--", "-c", "SELECT 1"))
		assert.Equal(t, 1, unclear.Code)
		assert.Contains(t, unclear.Stderr, "--secret "+owner)
		as := f.bind("psql", workload, "--secret="+owner, "--", "-Atc", "SELECT session_user")
		assert.Equal(t, f.libpq(owner).Username, strings.TrimSpace(as.Stdout))
	})
	t.Run("fix", func(t *testing.T) { f.in(t).testOwnerIsFixed(name, owner) })

	f.kubectl("scale", workload, "--replicas=0") // it cannot start without a login
	f.bind("unbind", workload, "--grace=1s")
	assert.Empty(t, f.loginRoles())
	assert.Empty(t, f.boundSecrets())
	left := f.deployment(name)
	before.Spec.InitContainers[0].Env[0].Value = secondMigration
	assert.Equal(t, before.Spec, left.Spec.Template.Spec)
	assert.Empty(t, left.Annotations["binding.pgbind.dev/"+owner]+left.Annotations["binding.pgbind.dev/"+secret])
	t.Run("prune", func(t *testing.T) { f.in(t).testOwnerIsPruned(name) })
}

// libpq is the login in a Secret with the names of libpq.
func (f *fixture) libpq(secret string) harness.Login {
	data := f.secret(secret).Data
	return harness.Login{Host: string(data["PGHOST"]), Username: string(data["PGUSER"]), Password: string(data["PGPASSWORD"])}
}

// asLibpq runs SQL in a session of its own with that login.
func (f *fixture) asLibpq(secret, sql string) string {
	f.t.Helper()
	rows, err := f.UserSQL(f.ctx, f.libpq(secret), sql)
	require.NoError(f.t, err)
	return rows
}

// requireOwner requires that the init container owns the tables, and that the application can only read and write them.
// PostgreSQL judges, in sessions with the two logins.
func (f *fixture) requireOwner(name, generation string) {
	f.t.Helper()
	secret, owner := secretOf(name), secretOf(name)+"-owner"
	f.rollout("deployment/" + name)
	assert.Contains(f.t, f.owner("items"), "pgbind_postgres_public_all_")
	for _, one := range []string{secret, owner} {
		assert.True(f.t, strings.HasSuffix(f.libpq(one).Username, "_"+generation), f.libpq(one).Username)
	}
	assert.Equal(f.t, f.libpq(secret).Username, f.inShell(name, "psql -Atc 'SELECT session_user'"), "the application's login")
	f.asLibpq(
		secret,
		"INSERT INTO items(name) VALUES ('x'); UPDATE items SET name = 'y' WHERE name = 'x'; DELETE FROM items WHERE name = 'y'; SELECT nextval('items_id_seq')",
	)
	for sql, says := range map[string]string{
		"ALTER TABLE items ADD COLUMN stolen int":    "must be owner of table items",
		"DROP TABLE items":                           "must be owner of table items",
		"TRUNCATE items":                             "permission denied for table items",
		"SET ROLE " + f.owner("items"):               "permission denied to set role",
		`SET ROLE "` + f.libpq(owner).Username + `"`: "permission denied to set role",
	} {
		_, err := f.UserSQL(f.ctx, f.libpq(secret), sql)
		require.ErrorContains(f.t, err, says, sql)
	}
	assert.Equal(f.t, "f", f.asLibpq(secret, "SELECT pg_has_role(current_user, '"+f.owner("items")+"', 'USAGE')"))
	f.asLibpq(owner, "ALTER TABLE items ADD COLUMN own int; ALTER TABLE items DROP COLUMN own")
	template := f.deployment(name).Spec.Template.Spec
	assert.Equal(f.t, []corev1.EnvFromSource{envFrom(owner)}, template.InitContainers[0].EnvFrom)
	assert.Equal(f.t, []corev1.EnvFromSource{envFrom(secret)}, template.Containers[0].EnvFrom)
}

func (f *fixture) testOwnerInFiles(secret, owner string) {
	assert.ElementsMatch(f.t, []string{secret, owner}, secretNames(lines(f.run(f.Pgbind("list", "-o", "name")).Stdout)))
	file := filepath.Join(f.t.TempDir(), "export.yaml")
	require.NoError(f.t, os.WriteFile(file, []byte(f.run(f.Pgbind("list", "-o", "yaml")).Stdout), 0o600))
	diff := f.run(f.Pgbind("diff", "-f", file))
	assert.Zero(f.t, diff.Code, diff.Stdout)
	assert.Len(f.t, verbsOf(f.apply(file), "unchanged"), 2)
	one := f.bindings(
		f.t.TempDir(),
		"workload: deployment/shop, access: readwrite, ownerContainer: migrate, presets: [libpq], containers: ['*'], secret: "+secret,
	)
	assert.Len(f.t, verbsOf(f.apply(one), "unchanged"), 2, "one document describes both")
}

// secretNames removes the kind.
func secretNames(objects []string) (names []string) {
	for _, object := range objects {
		_, name, _ := strings.Cut(object, "/")
		names = append(names, name)
	}
	return names
}

func (f *fixture) testOwnerIsFixed(name, owner string) {
	assert.Equal(f.t, []string{"OK", "OK"}, reasons(f.check(0)))
	f.kubectl("delete", "secret", owner)
	f.bind("check", "--fix", "--yes")
	assert.Equal(f.t, []string{"OK", "OK"}, reasons(f.check(0)))
	template := f.deployment(name).Spec.Template.Spec
	assert.Equal(f.t, []corev1.EnvFromSource{envFrom(owner)}, template.InitContainers[0].EnvFrom)
	f.asLibpq(owner, "ALTER TABLE items ADD COLUMN own int; ALTER TABLE items DROP COLUMN own")
	f.rollout("deployment/" + name)
}

// testOwnerIsPruned deletes a workload with both bindings.
func (f *fixture) testOwnerIsPruned(name string) {
	f.bind("deployment/"+name, "--owner-container=migrate", "--access=readonly", "--preset=libpq", "--secret="+secretOf(name))
	f.kubectl("delete", "deployment", name, "--wait")
	f.bind("prune", "--yes", "--grace=1s")
	assert.Empty(f.t, f.loginRoles())
	assert.Empty(f.t, f.boundSecrets())
}
