//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// The lesson's workload, and the name of the first Secret on the lesson's server.
const (
	application = "deployment/" + lesson.Application
	firstSecret = "postgresql-secret-2" //nolint:gosec // a Secret's name, not its content
)

// secretOf returns the name that the Secret of a workload gets otherwise.
func secretOf(workload string) string { return workload + "-pgbind" }

// in returns the same namespace, for a subtest.
func (f *fixture) in(t *testing.T) *fixture {
	t.Helper()
	return &fixture{Namespace: f.Namespace, t: t, ctx: f.ctx}
}

// inPart returns whether number i belongs to a part, such as 2/3, the second of three. An empty text means all.
func inPart(t *testing.T, text string, i int) bool {
	t.Helper()
	if text == "" {
		return true
	}
	part, parts := 0, 0
	_, err := fmt.Sscanf(text, "%d/%d", &part, &parts)
	require.NoError(t, err, "the part %q", text)
	require.Positive(t, part, "the part %q", text)
	require.GreaterOrEqual(t, parts, part, "the part %q", text)
	return i%parts == part-1
}

func (f *fixture) run(command *harness.Command) harness.Result {
	f.t.Helper()
	result, err := command.Run(f.ctx)
	require.NoError(f.t, err)
	return result
}

// bind runs the plugin, which must succeed without showing the password of any Secret of the namespace.
func (f *fixture) bind(args ...string) harness.Result {
	f.t.Helper()
	result := f.run(f.Pgbind(args...))
	require.Zero(f.t, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
	return result
}

// requireNoPassword fails when the text holds the password of a binding in the namespace, under whichever name its Secret has it.
func (f *fixture) requireNoPassword(text string) {
	f.t.Helper()
	secrets, err := f.Client.CoreV1().Secrets(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	for _, secret := range secrets.Items {
		ours := secret.Labels["app.kubernetes.io/managed-by"] == "kubectl-pgbind"
		for key, value := range secret.Data {
			holds := key == "POSTGRES_PASSWORD" || ours && strings.Contains(strings.ToLower(key), "password")
			require.False(
				f.t, holds && len(value) > 0 && strings.Contains(text, string(value)), "%s of secret %s is shown", key,
				secret.Name,
			)
		}
	}
}

// inShell runs a line of shell in a Pod of the Deployment.
func (f *fixture) inShell(name, line string) string {
	f.t.Helper()
	return strings.TrimSpace(f.kubectl("exec", "deployment/"+name, "--", "sh", "-c", line))
}

// digest replaces a secret in a comparison, so that a failure does not print it.
func digest(secret []byte) string { return fmt.Sprintf("%x", sha256.Sum256(secret)) }

func digests(data map[string][]byte) map[string]string {
	all := map[string]string{}
	for key, secret := range data {
		all[key] = digest(secret)
	}
	return all
}

func (f *fixture) rollout(workload string) {
	f.t.Helper()
	require.NoError(f.t, f.Rollout(f.ctx, workload))
}

func (f *fixture) admin(sql string) string {
	f.t.Helper()
	rows, err := f.AdminSQL(f.ctx, sql)
	require.NoError(f.t, err)
	return rows
}

// as runs SQL with the login in the Secret.
func (f *fixture) as(secret, sql string) string {
	f.t.Helper()
	rows, err := f.UserSQL(f.ctx, f.login(secret), sql)
	require.NoError(f.t, err)
	return rows
}

func (f *fixture) login(secret string) harness.Login {
	f.t.Helper()
	login, err := f.Login(f.ctx, secret)
	require.NoError(f.t, err)
	return login
}

func (f *fixture) secret(name string) *corev1.Secret {
	f.t.Helper()
	secret, err := f.Client.CoreV1().Secrets(f.Name).Get(f.ctx, name, metav1.GetOptions{})
	require.NoError(f.t, err)
	return secret
}

// application is the lesson's Deployment as it is now.
func (f *fixture) application() *appsv1.Deployment {
	f.t.Helper()
	deployment, err := f.Client.AppsV1().Deployments(f.Name).Get(f.ctx, lesson.Application, metav1.GetOptions{})
	require.NoError(f.t, err)
	return deployment
}

// envFrom is the reference to the Secret as the plugin adds it to a container.
func envFrom(secret string) corev1.EnvFromSource {
	return corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}}
}

func lines(text string) []string {
	return strings.Split(strings.TrimSpace(text), "\n")
}
