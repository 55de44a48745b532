package psql

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(t, newCommand, "deployment/web --secret=s -- -c SELECT")
	assert.Equal(t, []string{"deployment/web"}, o.workload)
	assert.Equal(t, []string{"-c", "SELECT"}, o.args)
	assert.Equal(t, []string{"s", "shop", "postgres"}, []string{o.secret, o.namespace, o.database()})
	assert.False(t, o.admin)
	o = commandtest.Complete(t, newCommand, "--admin --dbname=orders --postgres=pod/x --admin-password-from=secret/a:b -- -At")
	assert.Empty(t, o.workload)
	assert.Equal(t, []string{"-At"}, o.args)
	assert.Equal(
		t, []string{"orders", "pod/x", "secret/a:b"},
		[]string{o.database(), o.server.Spec.Postgres, o.server.Spec.AdminPasswordFrom},
	)
	assert.True(t, o.admin && o.server.Named)
	assert.Equal(t, []string{"deployment", "web"}, commandtest.Complete(t, newCommand, "deployment web").workload)
}
