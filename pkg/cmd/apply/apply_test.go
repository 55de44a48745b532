package apply

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(t, newCommand, "-f x")
	assert.Equal(t, binding.Options{Wait: true, Timeout: 5 * time.Minute}, o.binding)
	assert.Equal(t, []int{64, 4}, []int{o.concurrency, o.serverConcurrency})
	assert.Equal(t, 10*time.Second, o.grace)
	assert.False(t, o.prune || o.yes || o.shard.IsSet())
	o = commandtest.Complete(
		t,
		newCommand,
		"-f x -R --adopt --force --wait=false --timeout=1s --restart --recreate --field-manager=me --dry-run=server --concurrency=1 "+
			"--server-concurrency=2 --prune -l app=web -y --grace=1s --shard=0/2",
	)
	assert.Equal(t, binding.Options{
		Adopt: true, Force: true, Timeout: time.Second, Restart: true, Recreate: true, FieldManager: "me", DryRun: cmdutil.DryRunServer,
	}, o.binding)
	assert.Equal(t, []int{1, 2}, []int{o.concurrency, o.serverConcurrency})
	assert.Equal(t, "app=web", o.selector)
	assert.Equal(t, time.Second, o.grace)
	assert.True(t, o.prune && o.yes && o.shard.IsSet())
}
