//go:build e2e

package privileges

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// background runs a superuser's psql script in parallel, and returns a function that waits for its end.
func (s *server) background(database, script string) (wait func() harness.Result) {
	s.t.Helper()
	done := make(chan harness.Result, 1)
	flags := psqlFlags("postgres", database)
	go func() {
		args := append([]string{"-c", `PGAPPNAME=migration exec psql "$@"`, "psql"}, flags...)
		result, err := s.exec("sh", args...).Stdin(script).Run(s.ctx)
		if err != nil {
			result.Stderr += err.Error()
		}
		done <- result
	}()
	return func() harness.Result { return <-done }
}

// eventually waits until the superuser's query returns the value.
func (s *server) eventually(value, query string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.admin("postgres", query) == value }, time.Minute, 200*time.Millisecond, query)
}

// bindIn binds a new Deployment without Pods in the database, and returns what the command printed and how long it took.
func (s *server) bindIn(database, name string) (harness.Result, time.Duration) {
	s.t.Helper()
	_, err := s.Kubectl("create", "deployment", name, "--image=pgbind-app:dev", "--replicas=0").Output(s.ctx)
	require.NoError(s.t, err)
	start := time.Now()
	result := s.pgbind("deployment/"+name, "--dbname="+database, "--secret="+name, "--wait=false")
	return result, time.Since(start)
}

// TestLocks_OpenAlterTable: a transaction that changed a table is open. Binds in another database do not wait for it. A
// bind in its own database waits a little, succeeds, and names what is missing and who prevents it.
func TestLocks_OpenAlterTable(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE DATABASE other")
		s.admin("postgres", "CREATE TABLE public.busy (id int); CREATE TABLE public.free (id int)")
		_, _ = s.bindIn("other", "warm")
		_, without := s.bindIn("other", "without")

		ended := s.background("postgres", "BEGIN; ALTER TABLE public.busy ADD COLUMN note text; SELECT pg_sleep(600); COMMIT;")
		s.eventually("1", "SELECT count(*) FROM pg_locks WHERE relation = 'public.busy'::regclass AND mode = 'AccessExclusiveLock'")
		_, with := s.bindIn("other", "with")
		result, took := s.bindIn("postgres", "concerned")
		t.Logf(
			"PostgreSQL %s: a bind in another database %s without the transaction, %s with it; the bind concerned %s",
			s.version, without, with, took,
		)
		assert.Less(t, with-without, 2*time.Second)
		assert.Less(t, took, 15*time.Second)
		assert.Regexp(
			t,
			`GRANT .* ON TABLE public\.busy TO pgbind_\S+: .*process \d+ of user postgres \(migration\), in a transaction since \d`,
			result.Stderr,
		)
		login, err := s.Login(s.ctx, "concerned")
		require.NoError(t, err)
		assert.Equal(t, "0", strings.TrimSpace(s.as(login, "postgres", "SELECT count(*) FROM public.free").Stdout))

		s.admin("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration'")
		ended()
		reads := "SELECT has_table_privilege('" + login.Username + "', 'public.busy', 'SELECT')"
		assert.Equal(t, "f", s.admin("postgres", reads))
		s.pgbind("deployment/concerned", "--secret=concerned", "--wait=false")
		assert.Equal(t, "t", s.admin("postgres", reads))
	})
}

// TestLocks_OtherErrors: no other session causes the error of a GRANT. The bind fails with that error, and leaves nothing behind.
func TestLocks_OtherErrors(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", `CREATE TABLE public.company (id int);
			CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nobody grants here' USING ERRCODE = 'P0042'; END $$;
			CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('GRANT') EXECUTE FUNCTION public.refuse()`)
		result, err := s.Pgbind(application, "--secret="+secret, "--wait=false").Run(s.ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, result.Code, result.Stderr)
		assert.Contains(t, result.Stderr, "nobody grants here (SQLSTATE P0042)")
		assert.Equal(t, "0", s.admin("postgres", "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname <> 'postgres'"))
		s.admin("postgres", "DROP EVENT TRIGGER refuse")
		login := s.bindAs("readonly")
		assert.Equal(t, "0", strings.TrimSpace(s.as(login, "postgres", "SELECT count(*) FROM public.company").Stdout))
	})
}

// TestLocks_RotateReportsWhatItCannotRevoke: the access role has a privilege beyond its level on a table that another
// session locks. A rotation succeeds, and names the statement and the session. The next one revokes the privilege.
func TestLocks_RotateReportsWhatItCannotRevoke(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE TABLE public.busy (id int)")
		_, _ = s.bindIn("postgres", "web")
		login, err := s.Login(s.ctx, "web")
		require.NoError(t, err)
		access := s.admin("postgres", "SELECT roleid::regrole FROM pg_auth_members WHERE member = '"+login.Username+"'::regrole")
		s.admin("postgres", "GRANT TRIGGER ON public.busy TO "+access)
		holds := "SELECT has_table_privilege('" + access + "', 'public.busy', 'TRIGGER')"

		ended := s.background("postgres", "BEGIN; ALTER TABLE public.busy ADD COLUMN note text; SELECT pg_sleep(600); COMMIT;")
		s.eventually("1", "SELECT count(*) FROM pg_locks WHERE relation = 'public.busy'::regclass AND mode = 'AccessExclusiveLock'")
		result := s.pgbind("rotate", "deployment/web", "--grace=0s")
		assert.Regexp(
			t,
			`REVOKE TRIGGER ON TABLE public\.busy FROM pgbind_\S+: another session prevents it \(process \d+ of user postgres \(migration\), in a transaction since`,
			result.Stderr,
		)
		s.admin("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration'")
		ended()
		assert.Equal(t, "t", s.admin("postgres", holds))
		s.pgbind("rotate", "deployment/web", "--grace=0s")
		assert.Equal(t, "f", s.admin("postgres", holds))
	})
}

// writersSQL creates, grants, alters and drops tables, each statement in a transaction of its own. A statement may fail because of another
// writer.
const writersSQL = `DO $$ DECLARE statement text; BEGIN
  FOR i IN 1..100000 LOOP
    FOREACH statement IN ARRAY ARRAY['CREATE TABLE public.staging_%s (id int)', 'GRANT SELECT ON public.staging_%s, public.stays TO reader',
      'REVOKE SELECT ON public.stays FROM reader', 'ALTER TABLE public.grows SET (fillfactor = 90)', 'ALTER TABLE public.grows RESET (fillfactor)',
      'DROP TABLE public.staging_%s'] LOOP
      BEGIN EXECUTE replace(statement, '%s', i::text); EXCEPTION WHEN OTHERS THEN NULL; END;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;`

// TestLocks_OtherWriters: other sessions create, grant, alter and drop tables of the schema all the time. Each bind
// succeeds, and lacks nothing afterwards.
func TestLocks_OtherWriters(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE ROLE reader; CREATE TABLE public.stays (id int); CREATE TABLE public.grows (id int)")
		ended := s.background("postgres", writersSQL)
		s.eventually("1", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migration'")
		for _, level := range levels() {
			for i := range 3 {
				name := fmt.Sprintf("%s-%d", level, i)
				_, err := s.Kubectl("create", "deployment", name, "--image=pgbind-app:dev", "--replicas=0").Output(s.ctx)
				require.NoError(t, err)
				s.pgbind("deployment/"+name, "--access="+level, "--secret="+name, "--wait=false")
			}
		}
		assert.Equal(
			t, "1", s.admin("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migration'"),
			"the other session still works",
		)
		s.admin("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration'")
		ended()
		for _, level := range levels() {
			login, err := s.Login(s.ctx, level+"-0")
			require.NoError(t, err)
			for _, table := range []string{"stays", "grows"} {
				assert.Equal(
					t, "t",
					s.admin("postgres", fmt.Sprintf("SELECT has_table_privilege('%s', 'public.%s', 'SELECT')", login.Username, table)),
					level,
				)
			}
		}
	})
}
