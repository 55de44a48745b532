//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestAdministratorWhoIsNoSuperuser runs all commands as a role that can create roles and owns the database, and nothing more.
func TestAdministratorWhoIsNoSuperuser(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss CREATEROLE LOGIN; CREATE DATABASE shop OWNER boss")
	f.admin("\\connect shop\nALTER SCHEMA public OWNER TO boss")
	f.idle("web")
	by := func(args ...string) harness.Result { return f.bind(append(args, "--admin-user=boss")...) }

	bound := by("deployment/web", "--dbname=shop")
	assert.NotContains(t, bound.Stderr, "still lacks")
	assert.Contains(t, bound.Stderr, "verified")
	assert.Contains(t, by("deployment/web", "--dbname=shop").Stdout, "deployment.apps/web unchanged")
	f.as(firstSecret, "\\connect shop\nCREATE TABLE orders(id int)")
	assert.Zero(t, f.run(f.Pgbind("check", "deployment/web", "--admin-user=boss")).Code)

	former := f.login(firstSecret).Username
	rotated := by("rotate", "deployment/web", "--grace=1s")
	assert.Contains(t, rotated.Stdout, "role/"+former+" dropped")
	f.as(firstSecret, "\\connect shop\nINSERT INTO orders VALUES (1); ALTER TABLE orders ADD note text")

	by("unbind", "deployment/web", "--grace=0s")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	assert.Equal(t, "1", f.admin("\\connect shop\nSELECT count(*) FROM orders"))
}
