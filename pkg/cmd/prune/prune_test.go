package prune

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(t, newCommand, "")
	assert.Equal(t, unbind.Options{Grace: 10 * time.Second, Timeout: 5 * time.Minute}, o.unbind)
	assert.Equal(t, "shop", o.namespace)
	assert.Empty(t, o.unbind.FieldManager, "that of each bind")
	assert.False(t, o.yes || o.server.Named)
	o = commandtest.Complete(
		t, newCommand,
		"-A -y -l app=web --shard=0/2 --grace=1s --timeout=2s --dry-run=client --field-manager=me --postgres=pod/x --admin-user=boss",
	)
	assert.Equal(
		t,
		unbind.Options{Grace: time.Second, Timeout: 2 * time.Second, DryRun: cmdutil.DryRunClient, FieldManager: "me"},
		o.unbind,
	)
	assert.Empty(t, o.namespace)
	assert.Equal(
		t, []string{"me", "app=web", "pod/x", "boss"},
		[]string{o.unbind.FieldManager, o.scope.Selector, o.server.Spec.Postgres, o.server.AdminUser()},
	)
	assert.True(t, o.yes && o.server.Named && o.scope.All && o.scope.Shard.IsSet())
}
