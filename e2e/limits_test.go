//go:build e2e

package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// limits reads the connection limit and the settings of the login role in the Secret, without the role that it acts as.
func (f *fixture) limits(secret string) string {
	f.t.Helper()
	return f.admin(
		`SELECT rolconnlimit, (SELECT string_agg(coalesce(d.datname, '*') || ':' || c, ';' ORDER BY (coalesce(d.datname, '*') || ':' || c) COLLATE "C")
		FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE s.setrole = r.oid AND c NOT LIKE 'role=%')
		FROM pg_roles r WHERE rolname = '` + f.login(
			secret,
		).Username + "'",
	)
}

// rowVersions changes with every ALTER ROLE.
func (f *fixture) rowVersions() string {
	f.t.Helper()
	return f.admin("SELECT string_agg(xmin::text, ' ' ORDER BY oid) FROM pg_authid") +
		f.admin("SELECT string_agg(xmin::text, ' ' ORDER BY setrole, setdatabase) FROM pg_db_role_setting")
}

func TestLimits_BelongToTheBinding(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.admin("CREATE SCHEMA app")
	arguments := []string{
		"deployment/web", "--connection-limit=3", "--set=statement_timeout=5s",
		`--set=search_path=App, "My ""schema", public`, "--set=timezone=UTC",
	}
	const wanted = `3|postgres:TimeZone=UTC;postgres:search_path=app, "My ""schema", public;postgres:statement_timeout=5s`

	f.bind(append(arguments, "--dry-run=client")...)
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	f.bind(arguments...)
	assert.Equal(t, wanted, f.limits(firstSecret))
	assert.Equal(t, "5s", f.as(firstSecret, "SHOW statement_timeout"), "it applies although the session acts as the access role")
	f.requireHealthy()

	f.admin("ALTER ROLE " + f.login(firstSecret).Username + " SET work_mem TO '7MB'")
	const withOthers = "3|*:work_mem=7MB;" + `postgres:TimeZone=UTC;postgres:search_path=app, "My ""schema", public;postgres:statement_timeout=5s`
	for _, again := range [][]string{arguments, {"deployment/web"}} {
		before := f.rowVersions()
		assert.Equal(t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/web unchanged"}, lines(f.bind(again...).Stdout))
		assert.Equal(t, before, f.rowVersions(), "no ALTER ROLE")
	}
	former := f.login(firstSecret).Username
	f.bind("rotate", "deployment/web", "--grace=0s")
	require.NotEqual(t, former, f.login(firstSecret).Username)
	assert.Equal(t, withOthers, f.limits(firstSecret))
	f.requireHealthy()

	f.bind("deployment/web", "--connection-limit=-1", "--set=search_path=", "--set=timezone=")
	assert.Equal(t, "-1|*:work_mem=7MB;postgres:statement_timeout=5s", f.limits(firstSecret))
	before := f.rowVersions()
	f.bind("deployment/web")
	assert.Equal(t, before, f.rowVersions())
	oid := f.admin("SELECT '" + f.login(firstSecret).Username + "'::regrole::oid")
	f.bind("unbind", "deployment/web", "--grace=0s")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_db_role_setting WHERE setrole = "+oid))
}

func TestLimits_RefuseTheFourthConnection(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.bind("deployment/web", "--connection-limit=3", "--set=statement_timeout=5s")
	login := f.login(firstSecret)
	var sessions sync.WaitGroup
	for range 3 {
		sessions.Go(func() { _, _ = f.UserSQL(f.ctx, login, "SET statement_timeout = 0; SELECT pg_sleep(300)") })
	}
	f.waitFor("SELECT count(*) = 3 FROM pg_stat_activity WHERE usename = '" + login.Username + "'")
	_, err := f.UserSQL(f.ctx, login, "SELECT 1")
	require.ErrorContains(t, err, "too many connections for role")

	before := f.rowVersions()
	refused := f.run(f.Pgbind("deployment/web"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "the application uses all 3 connections of the role")
	assert.Equal(t, before, f.rowVersions(), "the password is not set again")
	found := f.check(1)
	require.Equal(t, []string{"NotVerified"}, reasons(found))
	f.obey(found[0].Fix)
	assert.Equal(t, "4|postgres:statement_timeout=5s", f.limits(firstSecret))

	f.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + login.Username + "'")
	sessions.Wait()
	f.bind("deployment/web", "--connection-limit=3")
	f.requireHealthy()
}

func TestLimits_AreRefusedAndRolledBack(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	for set, want := range map[string]string{
		"statement_timeout=soon":    `--set statement_timeout: invalid value for parameter "statement_timeout"`,
		"log_statement=all":         "--set log_statement: only a superuser can set this parameter",
		"session_replication_role=": "--set session_replication_role: only a superuser can set this parameter",
		"max_connections=1000":      "--set max_connections: this parameter cannot be set for a role",
		"no_such_parameter=1":       "--set no_such_parameter: the server has no parameter of this name",
		"role=postgres":             "--set: parameter role decides as which role the login acts",
	} {
		before := f.admin("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles")
		refused := f.run(f.Pgbind("deployment/web", "--set="+set))
		assert.NotZero(t, refused.Code, set)
		assert.Contains(t, refused.Stderr, want)
		assert.Equal(t, before, f.admin("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"), set)
		assert.Empty(t, f.kubectl("get", "secret", firstSecret, "--ignore-not-found"), set)
	}
	f.bind("deployment/web", "--set=statement_timeout=5s")
	before := f.rowVersions()
	assert.Equal(t, 1, f.run(f.Pgbind("deployment/web", "--set=statement_timeout=soon", "--connection-limit=5")).Code)
	assert.Equal(t, before, f.rowVersions(), "an existing login keeps what it has")
	assert.Equal(t, "-1|postgres:statement_timeout=5s", f.limits(firstSecret))
	f.requireHealthy()
}

func TestLimits_AndTheSearchPathOfANewSchema(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.bind("deployment/web", "--create-schema=app")
	assert.Equal(t, "-1|postgres:search_path=app", f.limits(firstSecret))
	f.bind("deployment/web", "--create-schema=app", "--set=search_path=public,app")
	assert.Equal(t, "-1|postgres:search_path=public, app", f.limits(firstSecret), "the explicit one wins")
	before := f.rowVersions()
	f.bind("deployment/web", "--create-schema=app")
	assert.Equal(t, before, f.rowVersions(), "and is kept")
	f.bind("deployment/web", "--create-schema=app", "--set=search_path=")
	assert.Equal(t, "-1|postgres:search_path=app", f.limits(firstSecret))
}

func TestLimits_InFiles(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.labelled("web")
	dir := t.TempDir()
	spec := func(rest string) string { return f.bindings(dir, "workload: deployment/web, secret: s"+rest) }
	f.apply(spec(", connectionLimit: 3, settings: {statement_timeout: 5s, work_mem: 8MB}"))
	assert.Equal(t, "3|postgres:statement_timeout=5s;postgres:work_mem=8MB", f.limits("s"))
	changed := f.run(f.Pgbind("diff", "-f", spec(", connectionLimit: 3, settings: {statement_timeout: 7s}")))
	assert.Equal(t, 1, changed.Code)
	assert.Contains(t, changed.Stdout, "+    statement_timeout: 7s")
	assert.Contains(t, changed.Stdout, "-    work_mem: 8MB")
	file := spec(", settings: {statement_timeout: 5s}")
	f.apply(file)
	assert.Equal(t, "3|postgres:statement_timeout=5s", f.limits("s"), "a limit is only removed by -1")
	assert.Zero(t, f.run(f.Pgbind("diff", "-f", file)).Code)
	assert.Contains(t, f.apply(file).Stdout, "unchanged")
}

func TestLimits_AreChecked(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.bind("deployment/web", "--connection-limit=3", "--set=statement_timeout=5s")
	role := f.login(firstSecret).Username
	for _, test := range []struct{ name, reason, damage, message string }{
		{"limit", "Mismatch", "ALTER ROLE " + role + " CONNECTION LIMIT 9", "has a connection limit of 9 instead of a connection limit of 3"},
		{"setting", "Mismatch", "ALTER ROLE " + role + " IN DATABASE postgres SET statement_timeout TO '9s'", "do not begin with statement_timeout=5s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.admin(test.damage)
			found := f.check(1)
			require.Equal(t, []string{test.reason}, reasons(found))
			assert.Contains(t, found[0].Message, test.message)
			f.obey(found[0].Fix)
			f.requireHealthy()
		})
	}
	t.Run("Pods", func(t *testing.T) {
		f := f.in(t)
		f.kubectl("scale", "deployment/web", "--replicas=4")
		found := f.check(1)
		require.Equal(t, []string{"TooFewConnections"}, reasons(found))
		f.obey(found[0].Fix)
		assert.True(t, strings.HasPrefix(f.limits(firstSecret), "4|"))
		f.requireHealthy()
		f.kubectl("scale", "deployment/web", "--replicas=0")
	})
	t.Run("server", func(t *testing.T) {
		f := f.in(t)
		f.bind("deployment/web", "--connection-limit=5000")
		found := f.check(1)
		require.Equal(t, []string{"Overcommitted"}, reasons(found))
		f.obey(found[0].Fix)
		f.requireHealthy()
		f.idle("worker")
		f.bind("deployment/worker", "--connection-limit=1", "--secret=worker")
		found = f.check(1)
		require.Equal(t, []string{"Overcommitted", "OK"}, reasons(found))
		assert.Contains(t, found[0].Message, "add up to")
		f.obey(found[0].Fix)
	})
}
