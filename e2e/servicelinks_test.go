//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestServiceCalledPostgres has a Service whose name makes Kubernetes set POSTGRES_PORT=tcp://… and POSTGRES_SERVICE_HOST in Pods,
// in that of the server too. A binding through this Service has POSTGRES_PORT in its Secret, which takes precedence.
func TestServiceCalledPostgres(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, harness.Version("17"))
	f.kubectl("expose", "pod/"+lesson.DatabasePod, "--name=postgres", "--port=5432", "--selector=app=postgresql-a")
	f.kubectl("delete", "pod", lesson.DatabasePod, "--grace-period=1")
	f.rollout("statefulset/postgresql-sfs")
	assert.Regexp(t, `^tcp://.*:5432\s*$`, f.run(f.inPod(lesson.DatabasePod, `echo "$POSTGRES_PORT"`)).Stdout)
	f.create(deployment("web", asDatabaseClient))
	f.create(deployment("unlinked", func(pod *corev1.PodSpec) {
		asDatabaseClient(pod)
		pod.EnableServiceLinks = new(bool)
	}))

	for _, name := range []string{"web", "unlinked"} {
		f.rollout("deployment/" + name)
		f.bind("deployment/"+name, "--postgres=svc/postgres", "--secret="+name, "--key=uri")
		f.rollout("deployment/" + name)
		login := f.login(name).Username
		assert.Equal(t, "5432", f.inShell(name, `echo "$POSTGRES_PORT"`))
		assert.Equal(t, login, f.inShell(
			name,
			`PGPASSWORD="$POSTGRES_PASSWORD" psql -h "$POSTGRES_HOST" -p "$POSTGRES_PORT" -U "$POSTGRES_USERNAME" -d postgres -qAtc 'SELECT session_user'`,
		))
		assert.Equal(t, login, f.inShell(name, `psql "$POSTGRES_URI" -qAtc 'SELECT session_user'`))
	}
	assert.NotEmpty(t, f.inShell("web", `echo "$POSTGRES_SERVICE_HOST"`))
	assert.Empty(t, f.inShell("unlinked", `echo "$POSTGRES_SERVICE_HOST"`))
	assert.Equal(t, []string{"OK", "OK"}, reasons(f.check(0)))
	f.bind("rotate", "deployment/web", "--grace=0s")
	assert.Equal(t, []string{"OK", "OK"}, reasons(f.check(0)))
	f.rollout("deployment/web")
	assert.Equal(t, "5432", f.inShell("web", `echo "$POSTGRES_PORT"`))
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	f.rollout("deployment/web")
	assert.Regexp(t, `^tcp://`, f.inShell("web", `echo "$POSTGRES_PORT"`), "what Kubernetes sets is visible again")
}

// asDatabaseClient gives the Pod an image that has psql, and nothing to do.
func asDatabaseClient(pod *corev1.PodSpec) {
	c := &pod.Containers[0]
	c.Image, c.Command = databaseImage, []string{"sleep", "3600"}
	pod.TerminationGracePeriodSeconds = new(int64)
}
