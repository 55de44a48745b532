//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// shop is a database in a namespace of its own, on a port of its own, with the schema "Sales 1".
func shop(t *testing.T) *fixture {
	t.Helper()
	f := newNamespace(t)
	f.create(passwordSecret())
	pod := postgresPod("pg", "postgres:17", map[string]string{"PGPORT": "5433"}, func(pod *corev1.Pod) {
		database := &pod.Spec.Containers[0]
		database.Ports[0].ContainerPort = 5433
		database.StartupProbe.TCPSocket.Port, database.ReadinessProbe.TCPSocket.Port = intstr.FromInt32(5433), intstr.FromInt32(5433)
	})
	f.startPostgres(pod)
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-db"},
		Spec:       corev1.ServiceSpec{Selector: pod.Labels, Ports: []corev1.ServicePort{{Name: "postgresql", Port: 5433}}},
	})
	// The nodes take a moment to forward the address of a new Service.
	f.eventually("the Service leads to the server", func() bool {
		return f.run(f.inPod("pg", "pg_isready --quiet --host=shop-db")).Code == 0
	})
	_, err := f.inPod("pg", `psql --username=postgres --quiet --set=ON_ERROR_STOP=1`).
		Stdin(
			"CREATE DATABASE shop;\n\\connect shop\nCREATE SCHEMA \"Sales 1\"; CREATE TABLE \"Sales 1\".orders AS SELECT 42 AS id",
		).Output(f.ctx)
	require.NoError(t, err)
	return f
}

// inPod runs a line of shell in the container of a Pod.
func (f *fixture) inPod(pod, line string) *harness.Command {
	return f.Kubectl("exec", "--stdin", pod, "--", "sh", "-c", line)
}

func TestDatabaseInAnotherNamespace(t *testing.T) {
	t.Parallel()
	db, f := shop(t), newNamespace(t)
	f.idle("web")
	at := []string{
		"deployment/web", "--postgres=pod/pg", "--postgres-namespace=" + db.Name, "--dbname=shop", "--schema=Sales 1",
		"--schema=public", "--access=readonly", "--sslmode=disable",
	}

	f.bind(append(at, "--key=uri,pgpass", "--key=servicebinding", "--username=shop reader", "--expires=30d")...)

	secret := f.secret(secretOf("web"))
	assert.Equal(
		t,
		[]string{".pgpass", "POSTGRES_DB", "POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_PORT", "POSTGRES_URI", "POSTGRES_USERNAME"},
		keys(secret),
	)
	assert.Equal(t, "shop-db."+db.Name+".svc.cluster.local", string(secret.Data["POSTGRES_HOST"]))
	assert.Equal(t, "5433 shop", string(secret.Data["POSTGRES_PORT"])+" "+string(secret.Data["POSTGRES_DB"]))
	require.NotNil(t, f.metadata(secret).Status.Expires)
	assert.WithinDuration(t, time.Now().Add(30*24*time.Hour), f.metadata(secret).Status.Expires.Time, time.Hour)
	second := f.secret(secretOf("web") + "-binding")
	assert.Equal(t, corev1.SecretType("servicebinding.io/postgresql"), second.Type)
	assert.Equal(t, digest(secret.Data["POSTGRES_URI"]), digest(second.Data["uri"]))
	assert.True(t, strings.HasPrefix(string(second.Data["jdbc-url"]), "jdbc:postgresql://shop-db."))
	used, err := f.Kubectl(
		"get", "deployment", "web", "--output=jsonpath={.spec.template.spec.containers[*].envFrom[*].secretRef.name}",
	).Output(f.ctx)
	require.NoError(t, err)
	assert.Equal(t, secretOf("web"), used)

	db.answers(`IFS= read -r uri; psql --no-psqlrc --quiet --no-align --tuples-only --dbname="$uri"`, string(secret.Data["POSTGRES_URI"]))
	db.answers(
		`umask 077; IFS= read -r line; printf '%s\n' "$line" >/tmp/pass; PGPASSFILE=/tmp/pass psql --no-psqlrc --quiet --no-align --tuples-only `+
			`--host=shop-db.`+db.Name+`.svc.cluster.local --username="shop reader" --dbname=shop`,
		string(secret.Data[".pgpass"][:len(secret.Data[".pgpass"])-1]),
	)

	result := f.bind(append(at, "--key=jdbc")...)
	assert.Contains(t, result.Stdout, "secret/"+secretOf("web")+" configured")
	assert.True(t, strings.HasPrefix(string(f.secret(secretOf("web")).Data["POSTGRES_JDBC_URL"]), "jdbc:postgresql://shop-db."))
	assert.Contains(t, f.bind(at...).Stdout, "secret/"+secretOf("web")+" unchanged")

	f.bind("rotate", "deployment/web", "--grace=1s")
	rotated := f.secret(secretOf("web"))
	assert.NotEqual(t, digest(secret.Data["POSTGRES_URI"]), digest(rotated.Data["POSTGRES_URI"]))
	assert.Equal(t, digest(rotated.Data["POSTGRES_URI"]), digest(f.secret(secretOf("web") + "-binding").Data["uri"]))
	db.answers(`IFS= read -r uri; psql --no-psqlrc --quiet --no-align --tuples-only --dbname="$uri"`, string(rotated.Data["POSTGRES_URI"]))

	f.delete("secret", secretOf("web"))
	f.eventually("the second Secret goes with the first", func() bool { return len(f.boundSecrets()) == 0 })
	f.bind("rotate", "deployment/web", "--grace=1s")
	recreated := f.secret(secretOf("web"))
	assert.Equal(t, keys(rotated), keys(recreated), "it has the same keys")
	assert.Equal(t, digest(recreated.Data["POSTGRES_URI"]), digest(f.secret(secretOf("web") + "-binding").Data["uri"]))
	db.answers(
		`IFS= read -r uri; psql --no-psqlrc --quiet --no-align --tuples-only --dbname="$uri"`,
		string(recreated.Data["POSTGRES_URI"]),
	)
	assert.Equal(t, []string{"Sales 1", "public"}, f.metadata(recreated).Spec.Schemas)
	healthy := f.run(f.Pgbind("check", "deployment/web"))
	assert.Zero(t, healthy.Code, healthy.Stdout+healthy.Stderr)
	f.bind("unbind", "deployment/web", "--grace=1s")
	f.eventually("both Secrets are gone", func() bool { return len(f.boundSecrets()) == 0 })
}

// answers logs in with the Secret, which the line reads first, and reads the table.
func (f *fixture) answers(line, login string) {
	f.t.Helper()
	rows, err := f.inPod("pg", line).Stdin(login + "\nSELECT id FROM \"Sales 1\".orders").Output(f.ctx)
	require.NoError(f.t, err)
	assert.Equal(f.t, []string{"42"}, lines(rows))
}

func TestGivenPassword(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	const password = `it's \ "mine" $(id)` //nolint:gosec // only for this test
	f.create(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, StringData: map[string]string{"password": password, "bad": "pässword"}},
	)
	before := f.traces()
	for flag, code := range map[string]int{
		"--password-from=secret/mine:bad": 1, "--password-from=hunter2": 2, "--username=pg_mine": 2, "--username=" + strings.Repeat("a", 64): 2,
		"--expires=soon": 2, "--key=url": 2,
	} {
		result := f.run(f.Pgbind(application, flag))
		assert.Equal(t, code, result.Code, flag)
		assert.NotContains(t, result.Stderr, "pässword")
	}
	assert.Equal(t, before, f.traces(), "nothing is left behind")

	result := f.bind(application, "--password-from=secret/mine:password", "--username=mine", "--wait=false")

	assert.Contains(t, result.Stderr, "must be quoted")
	assert.Equal(
		t, harness.Login{Host: "postgresql-svc." + f.Name + ".svc.cluster.local", Username: "mine", Password: password},
		f.login(firstSecret),
	)
	assert.Equal(t, "1", f.as(firstSecret, "SELECT 1"))
	assert.Contains(t, f.bind(application, "--wait=false").Stdout, "unchanged")
}
