//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestServerNoise has a server that warns in every session that the collation has another version, as after an upgrade of its operating
// system. Commands work, and an error says why, without the warning.
func TestServerNoise(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, harness.Version("17"))
	f.idle("web", "other")
	f.admin("CREATE DATABASE shop; CREATE DATABASE orders")
	f.admin("UPDATE pg_database SET datcollversion = '0'")
	assert.Contains(t, f.run(f.inPod("postgresql-sfs-0", "psql --username=postgres --command='SELECT 1'")).Stderr, "collation version")

	web := []string{"deployment/web", "--dbname=shop", "--secret=web", "--wait=false"}
	assert.NotContains(t, f.bind(web...).Stderr, "collation")
	f.requireHealthy()
	f.bind("rotate", "deployment/web", "--grace=0s")
	fails := func(want string, args ...string) {
		t.Helper()
		result := f.run(f.Pgbind(args...))
		assert.NotZero(t, result.Code, result.Stdout)
		assert.Contains(t, result.Stdout+result.Stderr, want)
		assert.NotContains(t, result.Stdout+result.Stderr, "collation")
	}
	other := []string{"deployment/other", "--dbname=orders", "--secret=other", "--wait=false"}
	f.admin("ALTER DATABASE orders ALLOW_CONNECTIONS false")
	fails("not currently accepting connections", other...)
	f.admin("ALTER DATABASE orders ALLOW_CONNECTIONS true")
	f.bind(other...)
	f.bind("unbind", "deployment/other", "--grace=0s", "--purge")

	f.admin(`\connect shop
		CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not before noon'; END $$;
		CREATE EVENT TRIGGER gate ON login EXECUTE FUNCTION public.refuse();
		ALTER EVENT TRIGGER gate ENABLE ALWAYS`)
	fails("not before noon", web...)
	fails("not before noon", "check", "deployment/web")
	fails("not before noon", "rotate", "deployment/web", "--grace=0s")
	fails("not before noon", "unbind", "deployment/web", "--grace=0s")

	const drop = `PGOPTIONS='-c event_triggers=off' psql --username=postgres --dbname=shop --command='DROP EVENT TRIGGER gate'`
	assert.Zero(t, f.run(f.inPod("postgresql-sfs-0", drop)).Code)
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%'"))
}
