//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestAccessByFlags binds workloads of one database with different levels, the narrow ones first. TestLevels tests what each level means on
// every server version.
func TestAccessByFlags(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE SCHEMA own; CREATE SCHEMA theirs; CREATE TABLE theirs.things(id int); CREATE ROLE boss CREATEROLE LOGIN")
	f.idle("reads", "all", "alone", "lacks")
	f.bind("deployment/reads", "--secret=reads", "--access=readonly", "--schema=own", "--schema=public")
	f.bind("deployment/all", "--secret=all", "--schema=own")

	f.as("all", "CREATE TABLE own.orders(id int); INSERT INTO own.orders VALUES (17)")
	assert.Equal(t, "17", f.as("reads", "SELECT id FROM own.orders"), "who came first reads what comes later")
	f.mayNot("reads", "INSERT INTO own.orders VALUES (18)")
	f.mayNot("all", "SELECT * FROM theirs.things")

	refused := f.run(f.Pgbind("deployment/alone", "--secret=alone", "--schema=own", "--isolated"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "in schema own): use a separate schema with --schema, or --force")
	forced := f.bind("deployment/alone", "--secret=alone", "--schema=own", "--isolated", "--force")
	assert.Contains(t, forced.Stderr, "in schema own may create")
	f.bind("deployment/alone", "--secret=alone", "--schema=own", "--isolated")
	f.as("alone", "CREATE TABLE own.of_alone(id int)")
	_, err := f.UserSQL(f.ctx, f.login("all"), "DROP TABLE own.of_alone")
	require.ErrorContains(t, err, "must be owner")
	f.mayNot("all", "SELECT * FROM own.of_alone")
	f.mayNot("reads", "SELECT * FROM own.of_alone")
	f.bind("deployment/reads", "--secret=reads", "--access=readonly", "--schema=own", "--schema=public")
	f.mayNot("reads", "SELECT * FROM own.of_alone")
	f.admin("CREATE SCHEMA apart")
	f.idle("apart")
	f.bind("deployment/apart", "--secret=apart", "--schema=apart", "--isolated")

	lacks := f.bind("deployment/lacks", "--secret=lacks", "--access=readonly", "--schema=theirs", "--admin-user=boss")
	assert.Contains(t, lacks.Stderr, "still lacks: ")
	assert.Contains(t, lacks.Stderr, "SELECT on table theirs.things")
}

// mayNot requires that the login in the Secret cannot run the SQL.
func (f *fixture) mayNot(secret, sql string) {
	f.t.Helper()
	_, err := f.UserSQL(f.ctx, f.login(secret), sql)
	require.ErrorContains(f.t, err, "permission denied", sql)
}
