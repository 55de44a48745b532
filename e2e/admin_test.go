//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// adminPassword has characters with a meaning in shells, SQL and connection strings.
const adminPassword = `p'a"s\s $(id) w:o/rd` //nolint:gosec // only for these tests

// passwordSecret holds adminPassword for the servers of a namespace, and for --admin-password-from.
func passwordSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "admin"}, StringData: map[string]string{"password": adminPassword}}
}

// ready connects to the port every second. It runs no program in the container, because such programs load the node.
func ready(port intstr.IntOrString) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: port}},
		PeriodSeconds: 1, TimeoutSeconds: 3,
	}
}

// started probes the container's first port every second until it answers, and then as seldom as Kubernetes does by default.
func started(c corev1.Container) corev1.Container {
	port := intstr.FromInt32(c.Ports[0].ContainerPort)
	c.StartupProbe, c.ReadinessProbe = ready(port), ready(port)
	c.StartupProbe.FailureThreshold, c.ReadinessProbe.PeriodSeconds = 120, 10
	return c
}

// postgresPod is a server that is set up by these variables; change, if there is one, alters it.
func postgresPod(name, image string, env map[string]string, change func(*corev1.Pod)) *corev1.Pod {
	container := started(corev1.Container{
		Name: "database", Image: image, Ports: []corev1.ContainerPort{{Name: "postgresql", ContainerPort: 5432}},
		Env: []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "admin"}, Key: "password",
		}}}},
	})
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		container.Env = append(container.Env, corev1.EnvVar{Name: variable, Value: env[variable]})
	}
	pod := databasePod(name, container)
	if change != nil {
		change(pod)
	}
	return pod
}

// startPostgres creates the Pods, each with a Service of its name that selects no role, and waits for them.
func (f *fixture) startPostgres(pods ...*corev1.Pod) {
	f.t.Helper()
	for _, pod := range pods {
		f.create(pod)
		selector := maps.Clone(pod.Labels)
		maps.DeleteFunc(selector, func(label, _ string) bool { return strings.HasSuffix(strings.ToLower(label), "role") })
		f.create(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
			Spec: corev1.ServiceSpec{
				ClusterIP: corev1.ClusterIPNone,
				Selector:  selector,
				Ports:     []corev1.ServicePort{{Name: "postgresql", Port: 5432}},
			},
		})
	}
	for _, pod := range pods {
		_, err := f.Kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/"+pod.Name).Output(f.ctx)
		require.NoError(f.t, err)
	}
}

// idle creates Deployments without Pods, for tests that need only a workload to bind.
func (f *fixture) idle(names ...string) {
	f.t.Helper()
	for _, name := range names {
		d := deployment(name, nil)
		d.Spec.Replicas = new(int32)
		f.create(d)
		f.rollout("deployment/" + name)
	}
}

// fromFile passes the password in a file that only root can read, to an administrator with another name.
func fromFile(pod *corev1.Pod) {
	mode := int32(0o400)
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "admin", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "admin", DefaultMode: &mode}}},
	}
	database := &pod.Spec.Containers[0]
	database.VolumeMounts = []corev1.VolumeMount{{Name: "admin", MountPath: "/run/admin"}}
	database.Env = slices.DeleteFunc(database.Env, func(e corev1.EnvVar) bool { return e.Name == "POSTGRES_PASSWORD" })
}

func TestAdminLogin(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	f.startPostgres(
		postgresPod("peer", "postgres:15", map[string]string{"POSTGRES_INITDB_ARGS": "--auth-local=peer"}, nil),
		postgresPod("scram", "postgres:17", map[string]string{"POSTGRES_INITDB_ARGS": "--auth=scram-sha-256"}, nil),
		postgresPod("file", "postgres:15", map[string]string{
			"POSTGRES_INITDB_ARGS":   "--auth-local=scram-sha-256",
			"POSTGRES_USER":          "boss",
			"POSTGRES_PASSWORD_FILE": "/run/admin/password",
			"POSTGRES_DB":            "postgres",
		}, fromFile),
	)
	f.idle("web-peer", "web-scram", "web-file", "web-given", "web-stdin")
	bound := func(t *testing.T, command *harness.Command) {
		t.Helper()
		result := f.in(t).run(command)
		require.Zero(t, result.Code, result.Stderr)
		assert.Contains(t, result.Stderr, "verified")
		assert.NotContains(t, result.Stdout+result.Stderr, adminPassword)
	}
	t.Run("peer", func(t *testing.T) {
		bound(t, f.Pgbind("deployment/web-peer", "--postgres=pod/peer"))
	})
	t.Run("scram, by the container's variable", func(t *testing.T) {
		bound(t, f.Pgbind("deployment/web-scram", "--postgres=pod/scram"))
	})
	t.Run("scram, by the container's file", func(t *testing.T) {
		bound(t, f.Pgbind("deployment/web-file", "--postgres=pod/file", "--admin-user=boss"))
	})
	t.Run("a password that the container no longer has", func(t *testing.T) { f.in(t).givenPasswords(bound) })
}

// givenPasswords changes the administrator's password, so that the container no longer knows it.
func (f *fixture) givenPasswords(bound func(*testing.T, *harness.Command)) {
	const changed = `it's "new"`
	_, err := f.Kubectl(
		"exec", "--stdin", "scram", "--", "sh", "-c",
		`PGPASSWORD=$POSTGRES_PASSWORD exec psql --username=postgres --no-password --quiet`,
	).
		Stdin(
			`ALTER ROLE postgres PASSWORD 'it''s "new"'`,
		).Output(f.ctx)
	require.NoError(f.t, err)
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "changed"}, StringData: map[string]string{"password": changed}})

	refused := f.run(f.Pgbind("deployment/web-given", "--postgres=pod/scram"))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "--admin-password-from")
	refused = f.run(f.Pgbind("deployment/web-given", "--postgres=pod/scram", "--admin-password-from=secret/admin:password"))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "the given password was used")
	refused = f.run(
		f.Pgbind("deployment/web-given", "--postgres=pod/scram", "--admin-password-from=stdin", "--password-from=stdin").Stdin("a\nb\n"),
	)
	assert.Equal(f.t, 2, refused.Code)
	assert.Contains(f.t, refused.Stderr, "cannot both read stdin")

	bound(f.t, f.Pgbind("deployment/web-given", "--postgres=pod/scram", "--admin-password-from=secret/changed:password"))
	bound(f.t, f.Pgbind("deployment/web-stdin", "--postgres=pod/scram", "--admin-password-from=stdin").Stdin(changed+"\n"))
	logs, err := f.Kubectl("logs", "scram").Output(f.ctx)
	require.NoError(f.t, err)
	assert.False(f.t, strings.Contains(logs, changed) || strings.Contains(logs, "SCRAM-SHA-256$"), "a secret is in the server's log")
}

// TestContainerWithoutAShell has createuser, psql and env, and no shell.
func TestContainerWithoutAShell(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, without("sh"))
	f.bind(application)

	// Whether an exec ends whose input nothing reads depends on the size of the input.
	var many []string
	for n := range 8 {
		many = append(many, fmt.Sprint("deployment/many-", n))
		f.idle(fmt.Sprint("many-", n))
	}
	f.bind(append(many, "--wait=false")...)
	assert.Len(t, f.boundSecrets(), 1+len(many))
	f.bind(append([]string{"unbind", "--grace=0s"}, many...)...)

	f.idle("other")
	result := f.run(f.Pgbind("deployment/other", "--admin-password-from=stdin").Stdin("any\n"))
	assert.Equal(t, 1, result.Code)
	assert.Contains(t, result.Stderr, "no shell")
	assert.Equal(t, "1", f.admin("SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_'"))
}
