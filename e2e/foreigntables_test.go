//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestForeignTableWithoutUserMapping has foreign tables that nobody can read: one without a user mapping, and one whose server is not
// there. Commands grant and check the privileges without a connection to either.
func TestForeignTableWithoutUserMapping(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, harness.Version("17"))
	f.idle("web", "reads")
	f.admin("CREATE ROLE keeper; CREATE DATABASE shop OWNER keeper")
	f.admin(`\connect shop
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER near FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', dbname 'postgres');
		CREATE SERVER closed FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'postgres');
		CREATE USER MAPPING FOR PUBLIC SERVER closed OPTIONS (user 'nobody', password 'x');
		GRANT USAGE ON FOREIGN SERVER near, closed TO keeper;
		CREATE FOREIGN TABLE public.unmapped (id int) SERVER near OPTIONS (table_name 'company');
		CREATE FOREIGN TABLE public.unreachable (id int) SERVER closed OPTIONS (table_name 'company');
		ALTER FOREIGN TABLE public.unmapped OWNER TO keeper;
		ALTER FOREIGN TABLE public.unreachable OWNER TO keeper`)

	f.bind("deployment/web", "--dbname=shop", "--secret=web", "--wait=false")
	f.bind("deployment/reads", "--dbname=shop", "--secret=reads", "--access=readonly", "--wait=false")
	granted := func(login, privilege string) string {
		return f.admin(`\connect shop
			SELECT has_table_privilege('` + login + `', 'unmapped', '` + privilege + `'),
				has_table_privilege('` + login + `', 'unreachable', '` + privilege + `')`)
	}
	web, reads := f.login("web").Username, f.login("reads").Username
	assert.Equal(t, "t|t", granted(web, "INSERT"))
	assert.Equal(t, "t|t", granted(reads, "SELECT"))
	assert.Equal(t, "f|f", granted(reads, "INSERT"))
	_, err := f.UserSQL(f.ctx, f.login("web"), "\\connect shop\nSELECT * FROM unmapped")
	require.ErrorContains(t, err, "user mapping not found")
	assert.Equal(t, []string{"OK", "OK"}, reasons(f.check(0)))

	f.admin("\\connect shop\nREVOKE SELECT ON unmapped FROM " + f.accessRole("reads"))
	assert.Contains(t, f.run(f.Pgbind("check", "deployment/reads")).Stdout, "SELECT on table public.unmapped")
	f.bind("deployment/reads", "--dbname=shop", "--secret=reads", "--access=readonly", "--wait=false")
	assert.Equal(t, "t|t", granted(reads, "SELECT"))

	f.bind("rotate", "deployment/web", "--grace=0s")
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	f.bind("unbind", "deployment/reads", "--grace=0s", "--purge")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%'"))
	assert.Equal(t, "2", f.admin("\\connect shop\nSELECT count(*) FROM pg_class WHERE relkind = 'f' AND relowner = 'keeper'::regrole"))
}
