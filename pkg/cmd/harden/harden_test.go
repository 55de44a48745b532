package harden

import (
	"testing"

	"github.com/stretchr/testify/assert"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(t, newCommand, "")
	assert.Equal(t, []string{"shop", "", "postgres"}, []string{o.namespace, o.database, o.server.AdminUser()})
	assert.False(t, o.yes || o.server.Named)
	o = commandtest.Complete(t, newCommand, "--postgres=pod/x --dbname=orders -y --dry-run=server --admin-user=boss")
	assert.Equal(t, []string{"orders", "pod/x", "boss"}, []string{o.database, o.server.Spec.Postgres, o.server.AdminUser()})
	assert.True(t, o.yes && o.server.Named)
	assert.Equal(t, cmdutil.DryRunServer, o.dryRun)
}
