//go:build e2e

package e2e

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

func TestTheLessonInOneCommand(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.Version(version)).testLesson()
		})
	}
}

func (f *fixture) testLesson() {
	t := f.t
	status, page, err := f.Page(f.ctx)
	require.NoError(t, err)
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.NotContains(t, page, "anynines")

	result := f.bind(application)

	assert.Equal(t, []string{"secret/" + firstSecret + " created", "deployment.apps/postgresql-application bound"}, lines(result.Stdout))
	assert.NotEmpty(t, result.Stderr, "progress")
	secret := f.secret(firstSecret)
	assert.Equal(t, corev1.SecretTypeOpaque, secret.Type)
	assert.Equal(t, []string{"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_USERNAME"}, keys(secret))
	assert.Equal(t, "postgresql-svc."+f.Name+".svc.cluster.local", f.login(firstSecret).Host)
	container := f.application().Spec.Template.Spec.Containers[0]
	assert.Equal(t, []corev1.EnvFromSource{envFrom(firstSecret)}, container.EnvFrom)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))

	_, err = f.Kubectl("delete", "pod", lesson.DatabasePod, "--wait").Output(f.ctx)
	require.NoError(t, err)
	f.rollout("statefulset/" + lesson.Database)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
}

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	secret, deployment, roles := f.secret(firstSecret), f.application(), f.roles()

	result := f.bind(application)

	assert.Equal(
		t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/postgresql-application unchanged"},
		lines(result.Stdout),
	)
	assert.Equal(t, secret.ResourceVersion, f.secret(firstSecret).ResourceVersion)
	after := f.application()
	assert.Equal(t, deployment.Generation, after.Generation)
	assert.Equal(t, deployment.Annotations, after.Annotations)
	assert.Equal(t, roles, f.roles())
}

func TestSecretOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: firstSecret}, StringData: map[string]string{"key": "value"}})
	foreign := f.secret(firstSecret)

	result := f.bind(application)

	own := secretOf(lesson.Application)
	assert.Contains(t, result.Stdout, "secret/"+own+" created")
	assert.Equal(t, []string{"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_USERNAME"}, keys(f.secret(own)))
	assert.Equal(t, foreign.ResourceVersion, f.secret(firstSecret).ResourceVersion)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
}

func TestRoleIsOrdinaryAndItsPasswordScram(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	login := f.login(firstSecret)

	// The name is one of pgbind's own: letters, digits and underscores need no quoting beyond the quotes.
	assert.Equal(t, "f|f|f|f|f|t|t", f.admin(`SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin,
		rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = '`+login.Username+`'`))
	wrong := login
	wrong.Password += "x"
	_, err := f.UserSQL(f.ctx, wrong, "SELECT 1")
	require.ErrorContains(t, err, "password authentication failed", "the server asks for the password")
	logs, err := f.Kubectl("logs", lesson.DatabasePod).Output(f.ctx)
	require.NoError(t, err)
	f.requireNoPassword(logs)
	assert.NotContains(t, logs, "SCRAM-SHA-256$", "the verifier is kept out of the server's log")
}

func TestTablesMadeLaterAreShared(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("second", nil))
	f.bind(application)
	f.bind("deployment/second")

	f.admin("CREATE TABLE of_admin(id serial PRIMARY KEY, name text)")
	f.as(firstSecret, "CREATE TABLE of_first(id serial PRIMARY KEY, name text)")
	f.as(secretOf("second"), "CREATE TABLE of_second(id serial PRIMARY KEY, name text)")

	for _, table := range []string{"of_admin", "of_first", "of_second"} {
		for _, secret := range []string{firstSecret, secretOf("second")} {
			f.as(secret, "INSERT INTO "+table+"(name) VALUES ('row')")
		}
		assert.Equal(t, "2", f.as(firstSecret, "SELECT count(*) FROM "+table), table)
		assert.Equal(t, "2", f.as(secretOf("second"), "SELECT count(*) FROM "+table), table)
	}
	f.as(secretOf("second"), "DROP TABLE of_first")
}

// roles returns every role that PostgreSQL did not create itself: its attributes, memberships and comment, and a value that
// changes with its password.
func (f *fixture) roles() string {
	f.t.Helper()
	return f.admin(`SELECT r.*, (SELECT array_agg(m.roleid::regrole) FROM pg_auth_members m WHERE m.member = r.oid),
		shobj_description(r.oid, 'pg_authid'), md5(a.rolpassword)
		FROM pg_roles r JOIN pg_authid a USING (oid) WHERE r.oid >= 16384 ORDER BY r.oid`)
}

func keys(secret *corev1.Secret) []string {
	return slices.Sorted(maps.Keys(secret.Data))
}
