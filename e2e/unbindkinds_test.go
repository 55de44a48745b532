//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestUnbindWhatDoesNotRollOut unbinds workloads whose Pods no controller replaces after a change.
func TestUnbindWhatDoesNotRollOut(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	t.Run("a CronJob whose Job is active", func(t *testing.T) { f.in(t).unbindsCronJob() })
	t.Run("a ReplicaSet", func(t *testing.T) { f.in(t).unbindsReplicaSet() })
	t.Run("a Pod", func(t *testing.T) { f.in(t).unbindsPod() })
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	assert.Empty(t, f.boundSecrets())
}

// unbindsCronJob has a Job log in after the start of the unbind.
func (f *fixture) unbindsCronJob() {
	nightly := cronJob("nightly")
	nightly.Spec.JobTemplate.Spec.BackoffLimit = new(int32)
	nightly.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Command = []string{
		"sh",
		"-c",
		"sleep 8; PGPASSWORD=$POSTGRES_PASSWORD exec psql --host=$POSTGRES_HOST --username=$POSTGRES_USERNAME --dbname=postgres --command='SELECT 1'",
	}
	f.create(nightly)
	f.bind("cronjob/nightly")
	_, err := f.Kubectl("create", "job", "now", "--from=cronjob/nightly").Output(f.ctx)
	require.NoError(f.t, err)

	result := f.bind("unbind", "cronjob/nightly", "--grace=0s")

	assert.Contains(f.t, result.Stderr, "now", "what is waited for")
	_, err = f.Kubectl("wait", "--for=condition=Complete", "--timeout=1s", "job/now").Output(f.ctx)
	require.NoError(f.t, err, "the Job came to its end before its login went")
	f.delete("cronjob", "nightly")
}

func (f *fixture) unbindsReplicaSet() {
	f.create(replicaSet("replicas"))
	f.bind("rs/replicas", "--restart")
	bound := f.pods("replicas")

	late := f.run(f.Pgbind("unbind", "rs/replicas", "--grace=0s", "--timeout=2s"))
	assert.Equal(f.t, 124, late.Code, late.Stderr)
	assert.Contains(f.t, late.Stderr, "pod/"+bound[0])
	assert.Len(f.t, f.boundSecrets(), 1, "its Pods have the login still")

	result := f.bind("unbind", "rs/replicas", "--grace=0s", "--restart")
	assert.Contains(f.t, result.Stdout, "replicaset.apps/replicas unbound")
	assert.NotContains(f.t, f.pods("replicas"), bound[0])
	f.delete("replicaset", "replicas")
}

func (f *fixture) unbindsPod() {
	f.create(barePod("single"))
	f.ready("single")
	f.bind("pod/single", "--recreate")
	bound := f.podUID()

	refused := f.run(f.Pgbind("unbind", "pod/single", "--grace=0s"))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "--recreate")
	assert.Equal(f.t, bound, f.podUID())

	result := f.bind("unbind", "pod/single", "--grace=0s", "--recreate")
	assert.Contains(f.t, result.Stdout, "pod/single unbound")
	assert.NotEqual(f.t, bound, f.podUID())
}
