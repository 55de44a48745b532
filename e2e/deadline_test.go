//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestProgressDeadline changes Deployments that have exceeded their progress deadline before. The old condition stays until the
// rollout makes progress, and must not end the command.
func TestProgressDeadline(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	t.Run("unbind", func(t *testing.T) { t.Parallel(); f.in(t).unbindsAfterDeadline() })
	t.Run("bind again", func(t *testing.T) { t.Parallel(); f.in(t).bindsAgainAfterDeadline() })
	t.Run("rotate", func(t *testing.T) { t.Parallel(); f.in(t).rotatesAfterDeadline() })
	t.Run("rotation that is rolled back", func(t *testing.T) { t.Parallel(); f.in(t).rollsBackAfterDeadline() })
}

// impatient creates a Deployment that allows five seconds without progress, and whose Pods are ready if the shell command succeeds.
func (f *fixture) impatient(name, ready string) {
	f.t.Helper()
	d := deployment(name, func(spec *corev1.PodSpec) {
		c := &spec.Containers[0]
		c.Image, c.Command = databaseImage, []string{"sh", "-c", "trap exit TERM; sleep infinity & wait"}
		c.ReadinessProbe = &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", ready}}},
			PeriodSeconds: 1, TimeoutSeconds: 5, FailureThreshold: 1,
		}
	})
	d.Spec.ProgressDeadlineSeconds = new(int32(5))
	f.create(d)
}

// exceeds waits until the Deployment has exceeded its progress deadline.
func (f *fixture) exceeds(name string) {
	f.t.Helper()
	f.eventually(name+" exceeds its deadline", func() bool {
		return slices.ContainsFunc(f.deployment(name).Status.Conditions, func(c appsv1.DeploymentCondition) bool {
			return c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded"
		})
	})
}

// boundReady is the readiness of an application that needs its database, and unboundReady of one that fails with it.
const (
	boundReady   = `PGPASSWORD=$POSTGRES_PASSWORD psql -h "$POSTGRES_HOST" -U "$POSTGRES_USERNAME" -d postgres -c 'SELECT 1'`
	unboundReady = `test -z "$POSTGRES_HOST"`
)

func (f *fixture) unbindsAfterDeadline() {
	f.impatient("allergic", unboundReady)
	f.rollout("deployment/allergic")
	failed := f.run(f.Pgbind("deployment/allergic", "--secret=allergic"))
	assert.Equal(f.t, 1, failed.Code, "a deadline that passes after the change is an error")
	assert.Contains(f.t, failed.Stderr, "exceeded its progress deadline")
	f.exceeds("allergic")
	login := f.login("allergic").Username

	f.bind("unbind", "deployment/allergic", "--grace=0s")

	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+login+"'"))
}

// bindsAgainAfterDeadline repairs a reference that somebody removed. The Deployment returns to a ReplicaSet that it had before.
func (f *fixture) bindsAgainAfterDeadline() {
	f.impatient("needy", boundReady)
	f.exceeds("needy")
	f.bind("deployment/needy", "--secret=needy")
	f.kubectl("patch", "deployment/needy", "--type=json", `--patch=[{"op": "remove", "path": "/spec/template/spec/containers/0/envFrom"}]`)
	f.exceeds("needy")

	f.bind("deployment/needy")

	f.as("needy", "SELECT 1")
}

// rotatesAfterDeadline repairs a login whose password somebody changed.
func (f *fixture) rotatesAfterDeadline() {
	f.impatient("repaired", boundReady)
	f.bind("deployment/repaired", "--secret=repaired")
	login := f.login("repaired").Username
	f.admin("ALTER ROLE " + login + " PASSWORD 'changed'")
	f.kubectl("rollout", "restart", "deployment/repaired")
	f.exceeds("repaired")

	f.bind("rotate", "deployment/repaired", "--grace=0s")

	assert.NotEqual(f.t, login, f.login("repaired").Username)
	f.as("repaired", "SELECT 1")
}

// rollsBackAfterDeadline has an application that accepts its first login only.
func (f *fixture) rollsBackAfterDeadline() {
	f.impatient("faithful", `case $POSTGRES_USERNAME in *_1) ;; *) exit 1 ;; esac`)
	f.bind("deployment/faithful", "--secret=faithful")
	login := f.login("faithful")

	failed := f.run(f.Pgbind("rotate", "deployment/faithful", "--grace=0s"))

	assert.Equal(f.t, 1, failed.Code)
	assert.Contains(f.t, failed.Stderr, "exceeded its progress deadline")
	assert.Equal(f.t, login, f.login("faithful"))
	logins := f.admin("SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolcanlogin AND rolname LIKE '" +
		login.Username[:len(login.Username)-1] + "%'")
	assert.Equal(f.t, login.Username, logins, "the new login is dropped")
}
