//go:build e2e && apps

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// minifluxSchema is the version of the schema to which Miniflux 2.3.5 migrates.
const minifluxSchema = "135"

// apiKey is a key for Miniflux's API, which checks it in the database with each request.
const apiKey = "Aiw2ohw8-key" //nolint:gosec // an example

func newMiniflux(t *testing.T) *app {
	t.Helper()
	key := http.Header{"X-Auth-Token": {apiKey}}
	return newApp(t, "miniflux", func(number int64) (harness.Request, int) {
		if number%2 == 0 {
			return get("v1/me", key), http.StatusOK
		}
		return post("v1/categories", fmt.Sprintf(`{"title": "category %d"}`, number), key), http.StatusCreated
	})
}

// deployMiniflux deploys it as its documentation does, with variables in addition.
func (a *app) deployMiniflux(env ...corev1.EnvVar) {
	a.t.Helper()
	a.deploy("/readiness", func(pod *corev1.PodSpec) {
		pod.Containers[0].Env = append(env,
			corev1.EnvVar{Name: "LISTEN_ADDR", Value: "0.0.0.0:8080"}, corev1.EnvVar{Name: "RUN_MIGRATIONS", Value: "1"},
			corev1.EnvVar{Name: "CREATE_ADMIN", Value: "1"}, corev1.EnvVar{Name: "ADMIN_USERNAME", Value: "admin"},
			corev1.EnvVar{Name: "ADMIN_PASSWORD", Value: "test-1234"})
	})
}

// requireMinifluxSchema requires that Miniflux has migrated, and gives the load a key.
func (a *app) requireMinifluxSchema() {
	a.t.Helper()
	require.Equal(a.t, minifluxSchema, a.sql("SELECT version FROM schema_version"))
	a.sql(
		"INSERT INTO api_keys(user_id, token, description) SELECT id, '" + apiKey + "', 'load' FROM users ON CONFLICT DO NOTHING; DELETE FROM categories WHERE title LIKE 'category %'",
	)
}

func TestMiniflux(t *testing.T) {
	t.Parallel()
	a := newMiniflux(t)
	a.deployMiniflux()
	a.testLife(func() {
		a.requireMinifluxSchema()
		assert.Contains(t, a.owners(), "pgbind_miniflux_public_all_")
		assert.NotContains(t, a.owners(), "\n", "one role owns everything")
	}, "--preset=url")
}

// TestMiniflux_Takeover moves a Miniflux that the superuser has set up to a login of its own, and back.
func TestMiniflux_Takeover(t *testing.T) {
	t.Parallel()
	a := newMiniflux(t)
	a.admin("CREATE DATABASE miniflux")
	password := string(a.secret("postgresql-secrets").Data["POSTGRES_PASSWORD"])
	require.NotEmpty(t, password)
	a.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, StringData: map[string]string{
		"url": "postgres://postgres:" + password + "@postgresql-svc/miniflux?sslmode=disable&application_name=miniflux",
	}})
	a.deployMiniflux(corev1.EnvVar{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "by-hand"}, Key: "url"}}})
	a.rollout(a.workload())
	a.requireMinifluxSchema()
	a.awaitAnswers()
	schema, template := a.schemaOf(a.database), a.deployment(a.name).Spec.Template.Spec
	assert.Equal(t, "postgres", a.owners())
	takeover := func(args ...string) {
		result := a.bind(append([]string{"takeover", a.workload()}, args...)...)
		assert.NotContains(t, result.Stdout+result.Stderr, password)
	}

	restarts := a.restarts(1)
	a.requireNoWorse("a takeover", a.load(func() { takeover("--dbname=miniflux") }), restarts)
	assert.Regexp(t, "^pgbind_miniflux_public_all_[a-z0-9]+$", a.owners())
	assert.Equal(t, "pgb", a.sessions(), "no session of the superuser is left")
	assert.Equal(t, schema, a.schemaOf(a.database))
	a.requireNoWorse("a takeover that is undone", a.load(func() { takeover("--undo", "--yes", "--grace=1s") }), restarts)
	a.rollout(a.workload())
	assert.Equal(t, "postgres", a.owners())
	assert.Equal(t, "postgres", a.sessions())
	assert.Equal(t, schema, a.schemaOf(a.database))
	assert.Equal(t, template, a.deployment(a.name).Spec.Template.Spec)
	assert.Empty(t, a.loginRoles())

	takeover("--dbname=miniflux")
	a.requireNextMigration(schema)
	takeover("--undo", "--yes", "--grace=1s")
	a.requireNextMigration(schema)
}

// requireNextMigration returns the database to the version before the last migration, as an earlier Miniflux leaves it,
// and requires that the next start migrates it. Only an owner of the table can.
func (a *app) requireNextMigration(schema string) {
	a.t.Helper()
	a.sql(
		`ALTER TABLE integrations DROP COLUMN gotify_enabled, DROP COLUMN gotify_url, DROP COLUMN gotify_token, DROP COLUMN gotify_priority;
		UPDATE schema_version SET version = '134'`,
	)
	require.NotEqual(a.t, schema, a.schemaOf(a.database))
	a.kubectl("rollout", "restart", a.workload())
	a.rollout(a.workload())
	a.requireMinifluxSchema()
	assert.Equal(a.t, schema, a.schemaOf(a.database))
	a.awaitAnswers()
}

// sessions returns who has sessions in the database: postgres, or pgb for login roles of pgbind.
func (a *app) sessions() string {
	a.t.Helper()
	return a.sql(
		"SELECT DISTINCT split_part(usename, '_', 1) FROM pg_stat_activity WHERE datname = 'miniflux' AND application_name = 'miniflux'",
	)
}
