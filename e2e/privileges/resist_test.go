//go:build e2e

package privileges

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// staySQL is what an application does, with the login LOGIN, so that its role cannot be dropped. Some of it fails on some versions.
const staySQL = `
GRANT "LOGIN" TO accomplice WITH ADMIN OPTION;
GRANT "LOGIN" TO accomplice;
ALTER ROLE "LOGIN" SET default_transaction_read_only TO on;
ALTER ROLE "LOGIN" SET search_path TO nowhere;
ALTER ROLE "LOGIN" SET role TO 'none';
SET default_transaction_read_only TO off;
SELECT lo_create(0) FROM generate_series(1, 3);
CREATE TABLE public.mine (id serial PRIMARY KEY);
GRANT ALL ON public.mine TO PUBLIC, accomplice;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO accomplice;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET ROLE none;
GRANT "LOGIN" TO accomplice WITH ADMIN OPTION;
SELECT lo_create(0) FROM generate_series(1, 3);
CREATE TABLE public.login_owned (id serial PRIMARY KEY);
CREATE FUNCTION public.stay() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
GRANT ALL ON public.login_owned TO PUBLIC, accomplice;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO accomplice;`

// bindAs binds the application at the level and returns its login.
func (s *server) bindAs(level string) harness.Login {
	s.t.Helper()
	s.pgbind(application, "--secret="+secret, "--access="+level, "--wait=false")
	login, err := s.Login(s.ctx, secret)
	require.NoError(s.t, err)
	return login
}

// canLogIn returns whether the role can log in: "t", "f", or nothing if it is gone.
func (s *server) canLogIn(role string) string {
	s.t.Helper()
	return s.admin("postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+role+"'")
}

// owners counts what each role owns in the database, other than the superuser.
func (s *server) owners() string {
	s.t.Helper()
	return s.admin("postgres", `SELECT r.rolname, count(*) FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
		WHERE s.deptype = 'o' AND s.classid <> 'pg_default_acl'::regclass AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1 ORDER BY 1`)
}

func TestResist_UnbindAndRotate(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE ROLE accomplice LOGIN")
		for _, level := range levels() {
			login := s.bindAs(level)
			s.as(login, "postgres", strings.ReplaceAll(staySQL, "LOGIN", login.Username))
			s.pgbind("rotate", application, "--grace=0s")
			assert.Empty(t, s.canLogIn(login.Username), "%s: the former login is gone after a rotation", level)

			login, err := s.Login(s.ctx, secret)
			require.NoError(t, err)
			s.as(login, "postgres", strings.ReplaceAll(staySQL, "LOGIN", login.Username))
			s.pgbind("unbind", application, "--grace=0s")
			assert.Empty(t, s.canLogIn(login.Username), "%s: the login is gone after unbind", level)
			assert.NotContains(t, s.owners(), "pgb_", level)
			assert.NotContains(t, s.owners(), "pgbind_postgres_public_read", "%s: a narrow access role owns nothing", level)
			s.admin("postgres", "DROP TABLE IF EXISTS public.mine, public.login_owned; DROP FUNCTION IF EXISTS public.stay()")
		}
	})
}

// TestResist_SettingsThatPreventLogins: an application can set for its own login what prevents every later login. A
// rotation fails and names what to reset, without the values. Then it succeeds.
func TestResist_SettingsThatPreventLogins(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		login := s.bindAs("readwrite")
		s.as(
			login,
			"postgres",
			`ALTER ROLE "`+login.Username+`" SET application_name = 'ofTheApplication'; ALTER ROLE "`+login.Username+`" IN DATABASE postgres SET local_preload_libraries = 'missing'`,
		)
		result, err := s.Pgbind("rotate", application, "--grace=0s").Run(s.ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, result.Code, result.Stderr)
		failure := result.Stderr[strings.LastIndex(result.Stderr, "error:"):]
		reset := "ALTER ROLE " + login.Username + " IN DATABASE postgres RESET local_preload_libraries"
		assert.Contains(t, failure, reset)
		assert.Contains(t, failure, "ALTER ROLE "+login.Username+" RESET application_name")
		assert.NotContains(t, failure, "ofTheApplication")
		assert.Equal(t, "t", s.canLogIn(login.Username))
		s.admin("postgres", reset)
		s.pgbind("rotate", application, "--grace=0s")
		assert.Empty(t, s.canLogIn(login.Username))
	})
}

// TestResist_PreparedTransactions: a prepared transaction of the application holds locks on its objects. The login is
// disabled, and the rest is named.
func TestResist_PreparedTransactions(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		login := s.bindAs("all")
		prepared := s.as(
			login, "postgres",
			"SET ROLE none; CREATE TABLE public.held (id int); BEGIN; LOCK TABLE public.held; PREPARE TRANSACTION 'stay'",
		)
		require.Empty(t, prepared.Stderr)
		result, err := s.Pgbind("unbind", application, "--grace=0s").Run(s.ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, result.Code)
		assert.Contains(t, result.Stderr, `"stay"`)
		assert.Contains(t, result.Stderr, "ROLLBACK PREPARED")
		assert.Equal(t, "f", s.canLogIn(login.Username), "the login is disabled first")
		s.admin("postgres", "ROLLBACK PREPARED 'stay'")
		s.pgbind("unbind", application)
		assert.Empty(t, s.canLogIn(login.Username))
	}, allowPrepared)
}

func allowPrepared(object *unstructured.Unstructured) error {
	return harness.ChangeServer(object, func(server map[string]any) { server["args"] = []any{"-c", "max_prepared_transactions=10"} })
}

// TestResist_Narrow: a narrower level revokes what the login was granted directly, and what it prepared. The command names what stays.
func TestResist_Narrow(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE ROLE accomplice LOGIN; CREATE TABLE public.company (id int)")
		login := s.bindAs("all")
		s.as(login, "postgres", strings.ReplaceAll(staySQL, "LOGIN", login.Username))
		made := s.as(
			login,
			"postgres",
			`RESET default_transaction_read_only; RESET ROLE; SET default_transaction_read_only = off; SET search_path = public;
			CREATE TABLE public.theirs (id int); GRANT ALL ON public.theirs TO "`+login.Username+`";
			CREATE FUNCTION public.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
			GRANT EXECUTE ON FUNCTION public.definer() TO "`+login.Username+`"`,
		)
		require.NotContains(t, made.Stderr, "ERROR")
		narrowed := s.pgbind(application, "--secret="+secret, "--access=readonly", "--wait=false")
		assert.Contains(t, narrowed.Stderr, "ALTER FUNCTION public.definer() SECURITY INVOKER")
		held := s.admin("postgres", fmt.Sprintf(`SELECT count(*) FROM (
			SELECT a.grantee FROM pg_class, aclexplode(relacl) a WHERE relname IN ('theirs', 'company') UNION ALL SELECT a.grantee FROM pg_proc, aclexplode(proacl) a
		) g WHERE g.grantee = '%s'::regrole`, login.Username))
		assert.Equal(t, "0", held, "the login has no grants of its own")
		assert.Equal(
			t, "0",
			s.admin("postgres", fmt.Sprintf("SELECT count(*) FROM pg_default_acl WHERE defaclrole = '%s'::regrole", login.Username)),
		)
		assert.Equal(
			t, "f",
			s.admin("postgres", fmt.Sprintf("SELECT has_table_privilege('%s', 'public.company', 'INSERT')", login.Username)),
		)
		assert.Equal(
			t, "t",
			s.admin("postgres", fmt.Sprintf("SELECT has_table_privilege('%s', 'public.company', 'SELECT')", login.Username)),
		)
	})
}

// fillSQL is what an application does so that no entry fits any more in the access lists of its objects, of their
// columns, and of what it will create. Entries with different privileges prevent that PostgreSQL compresses the list to
// a fraction.
const fillSQL = `
SET ROLE none;
CREATE TABLE public.login_full (id int);
RESET ROLE;
CREATE TABLE public.full (id int);
CREATE SEQUENCE public.full_number;
CREATE FUNCTION public.full() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT lo_create(4711);
DO $$
DECLARE
  target text; privileges text; size int; strangers text[]; filled int; number int;
BEGIN
  SELECT array_agg(quote_ident(rolname) ORDER BY md5(rolname)) INTO strangers FROM pg_roles WHERE rolname LIKE 'stranger%';
  FOREACH target IN ARRAY ARRAY['GRANT %2$s ON public.full TO %1$s WITH GRANT OPTION', 'GRANT SELECT (id), UPDATE (id) ON public.full TO %1$s',
    'GRANT SELECT ON SEQUENCE public.full_number TO %1$s', 'GRANT EXECUTE ON FUNCTION public.full() TO %1$s', 'GRANT SELECT ON LARGE OBJECT 4711 TO %1$s',
    'ALTER DEFAULT PRIVILEGES GRANT %2$s ON TABLES TO %1$s', 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT %2$s ON TABLES TO %1$s'] LOOP
    filled := 0; number := 0;
    FOREACH size IN ARRAY ARRAY[50, 1] LOOP
      WHILE filled < cardinality(strangers) LOOP
        privileges := (ARRAY['SELECT', 'INSERT', 'SELECT, UPDATE', 'DELETE', 'SELECT, DELETE, TRIGGER', 'ALL'])[1 + number % 6];
        number := number + 1;
        BEGIN
          EXECUTE format(target, array_to_string(strangers[filled + 1:filled + size], ', '), privileges);
        EXCEPTION WHEN program_limit_exceeded THEN
          IF size = 1 THEN RAISE NOTICE 'full after %: %', filled, target; END IF;
          EXIT;
        END;
        filled := filled + size;
      END LOOP;
    END LOOP;
  END LOOP;
END $$;`

// TestResist_HugeACLs: an application fills the access lists of what it owns. Other bindings, a narrower level, a
// rotation and unbind succeed.
func TestResist_HugeACLs(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "SELECT format('CREATE ROLE stranger%s', n) FROM generate_series(1, 2700) n \\gexec")
		_, err := s.Kubectl("create", "deployment", "other", "--image=pgbind-app:dev", "--replicas=0").Output(s.ctx)
		require.NoError(t, err)
		login := s.bindAs("all")
		filled := s.as(login, "postgres", fillSQL)
		require.NotContains(t, filled.Stderr, "ERROR")
		t.Log(filled.Stderr)
		for _, list := range []string{"ON public.full TO", "(id)", "SEQUENCE", "LARGE OBJECT"} {
			assert.Regexp(t, "full after .*"+regexp.QuoteMeta(list), filled.Stderr, "the access list is full")
		}
		other := s.pgbind("deployment/other", "--secret=others", "--access=readonly", "--wait=false")
		assert.Regexp(t, `GRANT SELECT ON TABLE public\."full" TO \S+: the access list is full \(2\d\d\d entries\)`, other.Stderr)
		s.pgbind("rotate", application, "--grace=0s")
		assert.Empty(t, s.canLogIn(login.Username))
		narrowed := s.bindAs("readonly")
		s.pgbind("deployment/other", "--secret=others", "--access=readwrite", "--wait=false")
		s.pgbind("unbind", application, "--grace=0s")
		assert.Empty(t, s.canLogIn(narrowed.Username))
		s.pgbind("unbind", "deployment/other", "--grace=0s")
		assert.NotContains(t, s.owners(), "pgb_")
		assert.Equal(t, "0", s.admin("postgres", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	})
}

// TestHeirs: two applications share the readonly access role. What one of them leaves behind does not go to the other, and is its own again
// after the next bind.
func TestHeirs(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		const other = "other-login"
		_, err := s.Kubectl("create", "deployment", "other", "--image=pgbind-app:dev", "--replicas=0").Output(s.ctx)
		require.NoError(t, err)
		s.pgbind("deployment/other", "--secret="+other, "--access=readonly", "--wait=false")
		login := s.bindAs("readonly")
		object := strings.TrimSpace(s.as(login, "postgres", "SELECT lo_from_bytea(0, 'mine')").Stdout)
		require.NotEmpty(t, object)
		for _, step := range [][]string{{"rotate", application, "--grace=0s"}, {"unbind", application, "--purge"}} {
			s.pgbind(step...)
			owner := s.admin("postgres", "SELECT lomowner::regrole FROM pg_largeobject_metadata WHERE oid = "+object)
			assert.Contains(t, owner, "pgbind_owner_", step)
			second, err := s.Login(s.ctx, other)
			require.NoError(t, err)
			tried := s.as(second, "postgres", "SELECT lo_get("+object+"); SELECT lo_unlink("+object+")")
			assert.Equal(t, 2, strings.Count(tried.Stderr, "permission denied")+strings.Count(tried.Stderr, "must be owner"), tried.Stderr)
			if step[0] == "rotate" {
				login, err = s.Login(s.ctx, secret)
				require.NoError(t, err)
				assert.Equal(t, `\x6d696e65`, strings.TrimSpace(s.as(login, "postgres", "SELECT lo_get("+object+")").Stdout))
			}
		}
		login = s.bindAs("readonly")
		assert.Empty(t, s.as(login, "postgres", "SELECT lo_unlink("+object+")").Stderr)
		s.pgbind("unbind", application)
		assert.Equal(
			t, "0", s.admin("postgres", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgbind\\_owner\\_%'"),
			"an owner role that owns nothing is dropped",
		)
	})
}

// TestResist_TenThousandTables has the login itself own more tables than a server with default settings can lock in one transaction.
func TestResist_TenThousandTables(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		login := s.bindAs("all")
		var script strings.Builder
		script.WriteString("SET ROLE none; CREATE SCHEMA many;\n")
		for part := range 20 {
			fmt.Fprintf(
				&script,
				"DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE many.t_%d_%%s (id serial PRIMARY KEY, note text)', i); END LOOP; END $$;\n",
				part,
			)
		}
		s.admin("postgres", fmt.Sprintf("SET SESSION AUTHORIZATION %q; %s", login.Username, script.String()))
		start := time.Now()
		s.pgbind("rotate", application, "--grace=0s")
		t.Logf("rotated in %s", time.Since(start).Round(time.Second))
		assert.Empty(t, s.canLogIn(login.Username))
		assert.Equal(
			t, "10000",
			s.admin("postgres", "SELECT count(*) FROM pg_tables WHERE schemaname = 'many' AND tableowner LIKE 'pgbind\\_postgres\\_%'"),
		)
	})
}

// TestResist_Prune: the workload is gone, and in a second round its Secret too. A prune drops the role in both rounds.
func TestResist_Prune(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE ROLE accomplice LOGIN")
		for _, level := range levels() {
			for _, gone := range [][]string{{"deployment/leaver"}, {"deployment/leaver", "secret/leavers"}} {
				_, err := s.Kubectl("create", "deployment", "leaver", "--image=pgbind-app:dev", "--replicas=0").Output(s.ctx)
				require.NoError(t, err)
				s.pgbind("deployment/leaver", "--secret=leavers", "--access="+level, "--wait=false")
				login, err := s.Login(s.ctx, "leavers")
				require.NoError(t, err)
				s.as(login, "postgres", strings.ReplaceAll(staySQL, "LOGIN", login.Username))
				_, err = s.Kubectl(append([]string{"delete"}, gone...)...).Output(s.ctx)
				require.NoError(t, err)
				s.pgbind("prune", "--yes")
				assert.Empty(t, s.canLogIn(login.Username), "%s, without %s: the login is gone", level, gone)
				assert.NotContains(t, s.owners(), "pgb_", level)
				assert.NotContains(t, s.owners(), "pgbind_postgres_public_read", "%s: a narrow access role owns nothing", level)
				assert.Equal(
					t,
					"0",
					s.admin(
						"postgres",
						fmt.Sprintf("SELECT count(*) FROM pg_default_acl WHERE pg_get_userbyid(defaclrole) = '%s'", login.Username),
					),
				)
				s.admin("postgres", "DROP TABLE IF EXISTS public.mine, public.login_owned; DROP FUNCTION IF EXISTS public.stay()")
			}
		}
	})
}
