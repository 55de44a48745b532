package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
)

func TestOptions_FollowFlags(t *testing.T) {
	o := commandtest.Complete(t, newCommand, "")
	assert.Equal(t, "shop", o.namespace)
	assert.True(t, !o.prove && !o.server.Named && o.output.IsTable())
	o = commandtest.Complete(
		t,
		newCommand,
		"-A -l app=web --shard=0/2 --prove -o json --postgres=pod/x --admin-user=boss --admin-password-from=stdin --postgres-container=main",
	)
	assert.Empty(t, o.namespace)
	spec := o.server.Spec
	assert.Equal(t, []string{"app=web", "pod/x", "boss", "stdin", "main"},
		[]string{o.scope.Selector, spec.Postgres, spec.AdminUser, spec.AdminPasswordFrom, spec.PostgresContainer})
	assert.True(t, o.prove && o.server.Named && o.scope.Shard.IsSet() && !o.output.IsTable())
	assert.Equal(t, []string{"deployment/a", "sts/b"}, commandtest.Complete(t, newCommand, "deployment/a sts/b").workloads)
}
