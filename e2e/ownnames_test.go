//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// formerPassword is the password of the superuser whose login the workloads of these tests have by hand.
const formerPassword = "Eeb4ahco-former" //nolint:gosec // an example

// TestOwnNames binds Deployments that have variables of their own, and takes the bindings back.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'")
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, StringData: map[string]string{
		"url": "postgresql://boss:" + formerPassword + "@postgresql-svc:5432/postgres?application_name=own",
	}})
	t.Run("bind, rotate, unbind", func(t *testing.T) { f.in(t).testOwnNames() })
	t.Run("a manifest sets them", func(t *testing.T) { f.in(t).testOwnNamesOfManifest() })
	t.Run("a terminal", func(t *testing.T) { f.in(t).testOwnNamesOnTerminal() })
	t.Run("a script", func(t *testing.T) { f.in(t).testOwnNamesInScript() })
}

// withOwnNames is a Deployment with the superuser's login in literals and in a key of another Secret.
func withOwnNames(name string) *appsv1.Deployment {
	return deployment(name, func(pod *corev1.PodSpec) {
		c := &pod.Containers[0]
		c.Image, c.Command = databaseImage, []string{"sleep", "infinity"}
		pod.TerminationGracePeriodSeconds = new(int64)
		c.Env = []corev1.EnvVar{
			{Name: "COLOUR", Value: "green"}, {Name: "DB_HOST", Value: "postgresql-svc"}, {Name: "DB_USER", Value: "boss"},
			{Name: "DB_PASSWORD", Value: formerPassword}, {Name: "DB_NAME", Value: "postgres"},
			{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "by-hand"}, Key: "url"}}},
		}
	})
}

// quiet runs the plugin, and requires that it shows neither the former password nor one of a binding.
func (f *fixture) quiet(code int, args ...string) harness.Result {
	f.t.Helper()
	result := f.run(f.Pgbind(args...))
	require.Equal(f.t, code, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	require.NotContains(f.t, result.Stdout+result.Stderr, formerPassword, "the former password is shown")
	f.requireNoPassword(result.Stdout + result.Stderr)
	return result
}

func (f *fixture) testOwnNames() {
	const name, workload, secret = "own", "deploy/own", "own-login"
	f.create(withOwnNames(name))
	f.rollout("deployment/" + name)
	before := f.deployment(name).Spec.Template

	dry := f.quiet(0, workload, "--names-from-workload", "--secret="+secret, "--dry-run=server")
	for _, word := range []string{"DATABASE_URL", "DB_HOST", "DB_USER", "DB_PASSWORD", "DB_NAME"} {
		assert.Contains(f.t, dry.Stdout, word)
	}
	assert.Equal(f.t, before, f.deployment(name).Spec.Template)

	f.quiet(0, workload, "--names-from-workload", "--secret="+secret)
	f.requireOwnLogin(name, secret)
	for _, value := range f.deployment(name).Annotations {
		assert.NotContains(f.t, value, formerPassword)
	}
	again := f.quiet(0, workload)
	assert.Equal(f.t, []string{"secret/" + secret + " unchanged", "deployment.apps/own unchanged"}, lines(again.Stdout))

	f.quiet(0, "rotate", workload, "--grace=1s")
	f.requireOwnLogin(name, secret)
	f.quiet(0, "check", workload)
	assert.NotContains(f.t, f.kubectl("get", "events", "--output=yaml"), formerPassword)

	f.quiet(0, "unbind", workload, "--grace=1s")
	assert.Equal(f.t, before, f.deployment(name).Spec.Template)
	f.rollout("deployment/" + name)
	assert.Equal(f.t, "boss", f.inShell(name, `psql "$DATABASE_URL" -qAtc 'SELECT current_user'`))
}

// requireOwnLogin requires that the container has the login of the Secret under its own names, and that it works in both forms.
func (f *fixture) requireOwnLogin(name, secret string) {
	f.t.Helper()
	f.rollout("deployment/" + name)
	stored := f.secret(secret)
	env := map[string]string{}
	for _, line := range lines(f.inShell(name, "printenv")) {
		variable, value, _ := strings.Cut(line, "=")
		env[variable] = value
	}
	for _, variable := range []string{"DB_HOST", "DB_USER", "DB_PASSWORD", "DB_NAME", "DATABASE_URL"} {
		assert.Equal(f.t, digest(stored.Data[variable]), digest([]byte(env[variable])), variable)
	}
	assert.Equal(f.t, "green", env["COLOUR"])
	assert.NotContains(f.t, env, "PGBIND_PASSWORD")
	assert.NotContains(f.t, env, "POSTGRES_PASSWORD")
	user := string(stored.Data["DB_USER"])
	assert.NotEqual(f.t, "boss", user)
	assert.Equal(
		f.t, user,
		f.inShell(name, `PGPASSWORD="$DB_PASSWORD" psql -h "$DB_HOST" -U "$DB_USER" -d "$DB_NAME" -qAtc 'SELECT session_user'`),
	)
	assert.Equal(
		f.t, user+" own",
		f.inShell(name, `psql "$DATABASE_URL" -qAtc "SELECT session_user || ' ' || current_setting('application_name')"`),
	)
}

func (f *fixture) testOwnNamesOfManifest() {
	for name, apply := range map[string][]string{
		"own-client-side": {"apply", "--filename=-"},
		"own-argo":        {"apply", "--filename=-", "--server-side", "--field-manager=argocd-controller"},
		"own-helm":        {"apply", "--filename=-", "--server-side", "--field-manager=helm"},
	} {
		owned := small(withOwnNames(name))
		owned.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
		manifest, err := json.Marshal(owned)
		require.NoError(f.t, err)
		_, err = f.Kubectl(apply...).Stdin(string(manifest)).Output(f.ctx)
		require.NoError(f.t, err)
		before, roles := f.deployment(name).Spec.Template, f.roles()

		result := f.quiet(1, "deploy/"+name, "--names-from-workload", "--secret="+name)

		assert.Contains(f.t, result.Stderr, "--inject none", name)
		assert.Contains(f.t, result.Stdout, "secretKeyRef:", "what to put into the manifest")
		assert.Equal(f.t, roles, f.roles())
		assert.Equal(f.t, before, f.deployment(name).Spec.Template)

		f.quiet(0, "deploy/"+name, "--names-from-workload", "--secret="+name, "--force")
		f.quiet(0, "unbind", "deploy/"+name, "--grace=1s")
		assert.Equal(f.t, before, f.deployment(name).Spec.Template)
	}
}

func (f *fixture) testOwnNamesOnTerminal() {
	f.create(small(withOwnNames("asked")))
	terminal := f.terminal(f.Pgbind("deploy/asked", "--secret=asked-login"), 24, 200)
	terminal.expect("DATABASE_URL, DB_HOST, DB_NAME, DB_PASSWORD, DB_USER")
	terminal.expect("(y/n)")
	terminal.send("y\r")
	terminal.expect("deployment.apps/asked bound")
	assert.NotContains(f.t, terminal.all(), formerPassword)
	assert.Contains(f.t, f.secret("asked-login").Data, "DB_PASSWORD")
}

func (f *fixture) testOwnNamesInScript() {
	f.create(small(withOwnNames("unasked")))
	f.quiet(0, "deploy/unasked", "--secret=unasked-login")
	assert.Contains(f.t, f.secret("unasked-login").Data, "POSTGRES_PASSWORD")
	assert.NotContains(f.t, f.secret("unasked-login").Data, "DB_PASSWORD")
}
