//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// publicPrivileges counts what PUBLIC has on databases that accept connections, for an administrator.
const publicPrivileges = "SELECT count(*) FROM pg_database d, aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE datallowconn AND a.grantee = 0"

// TestHarden_RevokesWhatItListed: until then, a login reaches the databases of others. TestLevels tests it on every version of the server.
func TestHarden_RevokesWhatItListed(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin(
		"CREATE DATABASE other; CREATE ROLE reports LOGIN; CREATE ROLE trusted LOGIN; GRANT CONNECT, TEMPORARY ON DATABASE other TO trusted; " +
			"CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC",
	)
	f.idle("closed", "owner")
	open := f.bind("deployment/closed", "--secret=closed", "--access=readonly", "-v=1")
	assert.Contains(t, open.Stderr, "run kubectl pgbind harden, or: REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC")
	f.bind("deployment/owner", "--secret=owner")
	f.as("closed", "\\connect other\nSELECT 1")
	before := f.admin(publicPrivileges)

	dry := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--dry-run=client"))
	require.Equal(t, 0, dry.Code, dry.Stderr)
	for _, line := range []string{"REVOKE CONNECT, TEMPORARY ON DATABASE other FROM PUBLIC", "REVOKE CREATE ON SCHEMA open FROM PUBLIC"} {
		assert.Contains(t, dry.Stdout, line)
	}
	for row := range strings.Lines(dry.Stdout) {
		switch {
		case strings.Contains(row, "DATABASE other "):
			assert.Contains(t, row, "reports")
			assert.NotContains(t, row, "trusted", "it has grants of its own")
		case strings.Contains(row, "SCHEMA open "):
			assert.Contains(t, row, "reports,trusted")
		}
	}
	assert.NotContains(t, dry.Stdout, f.login("closed").Username, "bindings have grants of their own")
	refused := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "REVOKE CONNECT, TEMPORARY ON DATABASE other FROM PUBLIC", "the list comes before the question")
	assert.Contains(t, refused.Stderr, "refusing to harden without confirmation: pass --yes")
	assert.Equal(t, before, f.admin(publicPrivileges), "neither changes anything")

	hardened := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--yes"))
	require.Equal(t, 0, hardened.Code, hardened.Stderr)
	assert.Equal(t, "pod/postgresql-sfs-0 hardened\n", hardened.Stdout)
	assert.Contains(t, hardened.Stderr, "REVOKE CREATE ON SCHEMA open FROM PUBLIC")
	assert.Equal(t, "0", f.admin(publicPrivileges))
	_, err := f.UserSQL(f.ctx, f.login("closed"), "\\connect other\nSELECT 1")
	require.ErrorContains(t, err, "permission denied")
	f.mayNot("closed", "CREATE TABLE open.t(id int)")
	f.mayNot("closed", "CREATE TEMPORARY TABLE t(id int)")
	assert.Equal(t, "1", f.as("closed", "SELECT 1"), "bindings keep their access")
	f.as("owner", "CREATE TABLE public.mine(id int); CREATE TEMPORARY TABLE t(id int)")
	assert.Equal(t, "pod/postgresql-sfs-0 unchanged\n", f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--yes")).Stdout)
}

// TestHarden_OneDatabaseAsItsOwner: an administrator who is not a superuser revokes what it owns, and names the rest.
func TestHarden_OneDatabaseAsItsOwner(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss CREATEROLE LOGIN; CREATE DATABASE shop OWNER boss; CREATE DATABASE other")

	one := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--dbname=shop", "--admin-user=boss", "--yes"))
	require.Equal(t, 0, one.Code, one.Stderr)
	public := func(database string) string {
		return f.admin("SELECT has_database_privilege('public', '" + database + "', 'CONNECT')")
	}
	assert.Equal(t, "f", public("shop"))
	assert.Equal(t, "t", public("other"))

	all := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--admin-user=boss", "--yes"))
	require.Equal(t, 0, all.Code, all.Stderr)
	assert.Equal(t, "pod/postgresql-sfs-0 unchanged\n", all.Stdout)
	assert.Contains(t, all.Stderr, "role boss cannot revoke CONNECT and TEMPORARY on database other from PUBLIC")
	assert.Equal(t, "t", public("other"))

	absent := f.run(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0", "--dbname=absent", "--yes"))
	assert.Equal(t, 1, absent.Code)
	assert.Contains(t, absent.Stderr, `database "absent" does not exist`)
}

// TestHarden_ReplacesTheFlag of earlier versions, which changed the whole server without a question.
func TestHarden_ReplacesTheFlag(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	refused := f.run(f.Pgbind("bind", "deployment/web", "--revoke-public"))
	assert.Equal(t, 2, refused.Code)
	assert.Contains(t, refused.Stderr, "run kubectl pgbind harden")
}

func TestHarden_AsksOnATerminal(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for _, answer := range []string{"n\n", "y\n"} {
		yes := answer == "y\n"
		terminal := f.terminal(f.Pgbind("harden", "--postgres=pod/postgresql-sfs-0"), 40, 200)
		terminal.expect("from PUBLIC on pod/postgresql-sfs-0 in namespace " + f.Name + "? (y/n): ")
		terminal.send(answer)
		assert.Equal(t, yes, terminal.end() == 0, answer)
		assert.Equal(t, yes, f.admin(publicPrivileges) == "0", answer)
	}
}
