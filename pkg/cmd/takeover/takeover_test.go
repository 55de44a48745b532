package takeover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(
		t,
		newCommand,
		"deployment/web --dbname=d --schema=a --schema=b --isolated --secret=s -c x --yes --force --timeout=1s --restart --field-manager=me --dry-run=client --postgres=sts/pg",
	)
	s := o.server.Spec
	assert.Equal(t, []string{"deployment/web"}, o.workloads)
	assert.Equal(t, "d", s.DBName)
	assert.Equal(t, []string{"a", "b"}, s.Schemas)
	assert.Equal(t, []string{"x"}, s.Containers)
	assert.Equal(t, "s", s.Secret)
	assert.True(t, s.Isolated && o.yes && o.binding.Force && o.binding.Wait && o.binding.Restart)
	assert.Equal(t, time.Second, o.binding.Timeout)
	assert.Equal(t, "me", o.binding.FieldManager)
	assert.Equal(t, cmdutil.DryRunClient, o.binding.DryRun)

	o = commandtest.Complete(t, newCommand, "deployment/web --undo --grace=1s --timeout=2s --force --restart --wait=false --dry-run=server")
	assert.True(t, o.undo && o.unbind.Force && o.unbind.Restart && !o.binding.Wait)
	assert.Equal(t, time.Second, o.unbind.Grace)
	assert.Equal(t, 2*time.Second, o.unbind.Timeout)
	assert.Equal(t, cmdutil.DryRunServer, o.unbind.DryRun)
}
