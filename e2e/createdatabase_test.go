//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// inShop returns SQL that runs in the database shop.
func inShop(sql string) string { return "\\connect shop\n" + sql }

func (f *fixture) databases(like string) string {
	f.t.Helper()
	return f.admin("SELECT count(*) FROM pg_database WHERE datname LIKE '" + like + "'")
}

func TestCreateDatabase_IsUsedByTheApplication(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	arguments := []string{
		"deployment/web", "--dbname=shop", "--create-database", "--create-schema=app", "--extension=citext",
		"--extension=pgcrypto",
	}

	shown := f.bind(append(arguments, "--dry-run=client")...)
	assert.Contains(t, shown.Stdout+shown.Stderr, "CREATE DATABASE")
	assert.Equal(t, "0", f.databases("shop"))

	bound := f.bind(append(arguments, "-v=1")...)
	assert.Contains(t, bound.Stderr, "database shop created in pod/postgresql-sfs-0\n")
	assert.Contains(t, bound.Stderr, "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8'")
	access := f.as(firstSecret, inShop("SELECT current_user"))
	assert.Equal(
		t, "t",
		f.as(firstSecret, inShop("CREATE TABLE orders (name citext); INSERT INTO orders VALUES ('A'); SELECT name = 'a' FROM orders")),
	)
	assert.Equal(
		t, "app.orders",
		f.as(firstSecret, inShop("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename = 'orders'")),
	)
	assert.Equal(t, "t", f.as(firstSecret, inShop("SELECT length(gen_salt('md5')) > 0")))

	assert.Equal(
		t,
		"postgres|UTF8|t",
		f.admin(
			"SELECT datdba::regrole, pg_encoding_to_char(encoding), shobj_description(oid, 'pg_database') LIKE 'pgbind/v1 database namespace="+
				f.Name+" %' FROM pg_database WHERE datname = 'shop'",
		),
	)
	assert.Equal(
		t, "0",
		f.admin("SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'shop' AND a.grantee = 0"),
		"PUBLIC has nothing",
	)
	assert.Equal(t, access, f.admin(inShop("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'app'")))
	assert.Equal(t, "postgres", f.admin(inShop("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'extensions'")))
	f.mayNot(firstSecret, inShop("CREATE FUNCTION extensions.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"))

	again := f.bind(arguments...)
	assert.Equal(t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/web unchanged"}, lines(again.Stdout))
	rotated := f.run(f.Pgbind("rotate", "deployment/web"))
	require.Zero(t, rotated.Code, rotated.Stderr)
	assert.Equal(t, "1", f.as(firstSecret, inShop("SELECT count(*) FROM orders WHERE name = 'a'")), "the next login finds the same objects")
	assert.Zero(t, f.run(f.Pgbind("check", "deployment/web")).Code)
}

func TestCreateDatabase_UsesAnExistingOneAsItIs(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.admin("CREATE ROLE dba NOLOGIN; CREATE DATABASE shop OWNER dba; COMMENT ON DATABASE shop IS 'of the dba'")
	f.admin(inShop("CREATE SCHEMA app AUTHORIZATION dba"))
	bound := f.bind("deployment/web", "--dbname=shop", "--create-database", "--create-schema=app")
	assert.NotContains(t, bound.Stderr, "database shop created")
	assert.Contains(t, bound.Stderr, `schema "app" exists and belongs to role "dba"`)
	assert.Equal(
		t, "dba|of the dba",
		f.admin("SELECT datdba::regrole, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'"),
	)
	assert.Equal(
		t, "t",
		f.admin("SELECT has_database_privilege('public', 'shop', 'CONNECT') AND has_database_privilege('public', 'shop', 'TEMPORARY')"),
	)
	assert.Equal(t, "dba", f.admin(inShop("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'app'")))
	f.as(firstSecret, inShop("CREATE TABLE app.t (id int)"))

	refused := f.run(f.Pgbind("unbind", "deployment/web", "--drop-database", "--yes"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, `the comment on database "shop"`)
	f.as(firstSecret, inShop("SELECT FROM app.t"))
}

// TestCreateDatabase_ConvergesAfterAKill kills runs while the server writes each of the catalogs, and the session in the server with them.
func TestCreateDatabase_ConvergesAfterAKill(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	for _, catalog := range []string{"pg_database", "pg_shdescription"} {
		t.Run(catalog, func(t *testing.T) {
			f := f.in(t)
			f.killDuring(catalog, "deployment/web", "--dbname="+catalog+"_shop", "--create-database")
			f.bind("deployment/web", "--dbname="+catalog+"_shop", "--create-database")
			assert.Equal(t, "0", f.databases(`pgbind\_new\_%`), "no draft is left")
			assert.Equal(
				t,
				"0",
				f.admin(
					"SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = '"+catalog+"_shop' AND a.grantee = 0",
				),
			)
			unbound := f.bind("unbind", "deployment/web", "--drop-database", "--yes")
			assert.Contains(t, unbound.Stdout, "database/"+catalog+"_shop dropped")
		})
	}
}

// killDuring kills a run while the server waits to write the catalog, and the session in the server with it.
func (f *fixture) killDuring(catalog string, args ...string) {
	f.t.Helper()
	proxy := f.proxy()
	proxy.Hold(isExec, false)
	waiting := "FROM pg_locks WHERE relation = '" + catalog + "'::regclass AND NOT granted"
	result := f.interrupt(f.Pgbind(args...).As(proxy.Kubeconfig), syscall.SIGKILL, func() error {
		if err := proxy.WaitHeld(f.ctx); err != nil {
			return err
		}
		f.lockCatalog(catalog)
		proxy.Release()
		f.waitFor("SELECT count(*) > 0 " + waiting)
		f.admin("SELECT pg_terminate_backend(pid) " + waiting)
		return nil
	})
	f.t.Log(result.Stderr)
	f.unlockRoles()
}

// TestCreateSchema_ConvergesAfterAKill kills binds that create a schema and an extension, at each catalog that they write.
func TestCreateSchema_ConvergesAfterAKill(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	for _, catalog := range []string{"pg_namespace", "pg_extension", "pg_auth_members", "pg_shdescription", "pg_db_role_setting"} {
		t.Run(catalog, func(t *testing.T) {
			f := f.in(t)
			bind := []string{"deployment/web", "--create-schema=app", "--extension=citext"}
			f.killDuring(catalog, bind...)
			f.bind(bind...)
			login := f.login(firstSecret)
			_, err := f.UserSQL(f.ctx, login, "CREATE TABLE app.t (name citext)")
			require.NoError(t, err)
			assert.Equal(
				t,
				f.as(firstSecret, "SELECT current_user"),
				f.admin("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'app'"),
			)
			assert.Equal(t, "postgres", f.admin("SELECT extowner::regrole FROM pg_extension WHERE extname = 'citext'"))
			assert.Zero(t, f.run(f.Pgbind("check")).Code)
			f.bind("unbind", "deployment/web", "--grace=0s")
			assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%'`), "no login role is left")
			f.admin("DROP TABLE app.t; DROP SCHEMA app; DROP EXTENSION citext; DROP SCHEMA IF EXISTS extensions")
		})
	}
}

func TestCreateDatabase_AtTheSameTime(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	names := []string{"first", "second", "third"}
	f.idle(names...)
	for i, result := range f.atOnce(len(names), func(i int) *harness.Command {
		return f.Pgbind("deployment/"+names[i], "--dbname=shop", "--create-database", "--create-schema=app", "--extension=citext")
	}) {
		assert.Zero(t, result.Code, "%s: %s", names[i], result.Stderr)
	}
	assert.Equal(t, "1", f.databases("shop"))
	assert.Equal(t, "0", f.databases(`pgbind\_new\_%`))
	assert.Equal(t, "1", f.admin(inShop("SELECT count(*) FROM pg_extension WHERE extname = 'citext'")))
	for _, name := range names {
		secret := f.deployment(name).Spec.Template.Spec.Containers[0].EnvFrom[0].SecretRef.Name
		f.as(secret, inShop("CREATE TABLE "+name+" (id citext)"))
	}
}

func TestCreateSchema_IsolatesApplications(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("one", "two")
	f.bind("deployment/one", "--create-schema=one", "--isolated", "--secret=one")
	f.bind("deployment/two", "--create-schema=two", "--isolated", "--secret=two")
	f.as("one", "CREATE TABLE t (id int)")
	assert.Equal(t, "one", f.as("one", "SELECT schemaname FROM pg_tables WHERE tablename = 't'"))
	f.mayNot("two", "SELECT FROM one.t")
	assert.Equal(t, f.as("one", "SELECT current_user"), f.admin("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'one'"))

	refused := f.run(f.Pgbind("deployment/one", "--create-schema=three", "--access=readonly"))
	assert.NotZero(t, refused.Code)
	assert.Contains(t, refused.Stderr, "--create-schema: its owner can create objects in it")
}

func TestExtension_IsRefusedWhereAnApplicationMayCreate(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web", "reads")
	f.bind("deployment/web", "--secret=web")
	f.as("web", "CREATE FUNCTION public.citext_eq(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true'")
	refuse := func(schema, role string) {
		t.Helper()
		result := f.run(
			f.Pgbind("deployment/reads", "--extension=citext", "--extension-schema="+schema, "--access=readonly", "--secret=reads"),
		)
		assert.Equal(t, 1, result.Code, result.Stdout)
		assert.Contains(t, result.Stderr, "--extension-schema")
		assert.Contains(t, result.Stderr, role+" in schema "+schema)
		assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_extension WHERE extname = 'citext'"))
	}
	access := f.as("web", "SELECT current_user")
	refuse("public", access)
	f.admin("REVOKE CREATE ON SCHEMA public FROM " + access)
	refuse("public", access) // it still owns a function there
	f.admin("CREATE SCHEMA open; GRANT CREATE ON SCHEMA open TO PUBLIC")
	refuse("open", "PUBLIC")
	f.as("web", "CREATE SCHEMA extensions")
	refuse("extensions", access)

	f.as("web", "DROP SCHEMA extensions")
	f.bind("deployment/reads", "--extension=citext", "--access=readonly", "--secret=reads")
	assert.Equal(t, "t", f.as("reads", "SELECT 'A'::citext = 'a'"))
	require.Zero(t, f.run(f.Pgbind("check", "deployment/reads")).Code)
}

func TestCheck_CreatesWhatIsGone(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.bind("deployment/web", "--dbname=shop", "--create-database", "--create-schema=app", "--extension=citext")
	for _, test := range []struct{ reason, damage string }{
		{"NoSchema", inShop("DROP SCHEMA app")},
		{"NoExtension", inShop("DROP EXTENSION citext")},
		{"NoDatabase", "DROP DATABASE shop"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			f := f.in(t)
			f.admin(test.damage)
			found := f.check(1, "deployment/web")
			require.Equal(t, test.reason, found[0].Reason, "%+v", found)
			f.obey(found[0].Fix)
			assert.Zero(t, f.run(f.Pgbind("check", "deployment/web")).Code)
			f.as(firstSecret, inShop("CREATE TABLE t (id citext); DROP TABLE t"))
		})
	}
}

func TestUnbind_DropsTheDatabaseThatPgbindCreated(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web", "worker")
	const create = "--create-database"
	f.bind("deployment/web", "--dbname=shop", create, "--secret=web")
	f.bind("deployment/worker", "--dbname=shop", create, "--secret=worker")
	f.as("web", inShop("CREATE TABLE t (id int)"))
	refuse := func(want string, flags ...string) {
		t.Helper()
		result := f.run(f.Pgbind(append([]string{"unbind", "deployment/web", "--drop-database"}, flags...)...))
		assert.Equal(t, 1, result.Code, result.Stdout)
		assert.Contains(t, result.Stderr, want)
		f.as("web", inShop("SELECT FROM t"))
	}
	refuse("of another binding", "--yes")
	f.bind("unbind", "deployment/worker")
	refuse("pass --yes")
	go func() { _, _ = f.AdminSQL(f.ctx, inShop("SELECT pg_sleep(60)")) }()
	f.waitFor("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'shop' AND query LIKE '%pg_sleep%'")
	refuse("a session of postgres", "--yes")
	f.unlockRoles()
	f.waitFor("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'shop'")

	asked := f.terminal(f.Pgbind("unbind", "deployment/web", "--drop-database"), 24, 80)
	asked.expect("Type its name to confirm: ")
	asked.send("shopp\n")
	assert.Equal(t, 1, asked.end())
	f.as("web", inShop("SELECT FROM t"))

	asked = f.terminal(f.Pgbind("unbind", "deployment/web", "--drop-database"), 24, 80)
	asked.expect("Type its name to confirm: ")
	asked.send("shop\n")
	assert.Zero(t, asked.end(), asked.all())
	assert.Contains(t, asked.all(), "database/shop dropped")
	assert.Equal(t, "0", f.databases("shop"))
	assert.Equal(
		t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%' AND rolname LIKE '%shop%'"),
		"the access role is gone",
	)
	unchanged := f.bind("unbind", "deployment/web", "--drop-database", "--yes")
	assert.Contains(t, strings.Join(lines(unchanged.Stdout), "\n"), "deployment.apps/web unchanged")
}

// TestBind_RollsBackForADatabaseThatDoesNotExist mistypes the name of the database: the login role that createuser has made is dropped again.
func TestBind_RollsBackForADatabaseThatDoesNotExist(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.idle("web", "api")
	f.admin("CREATE DATABASE shop")
	roles := f.roles()
	for _, args := range [][]string{{"deployment/web"}, {"deployment/web", "deployment/api"}} {
		result := f.quiet(1, append(args, "--dbname=shp")...)
		assert.Contains(t, result.Stderr, `database "shp" does not exist; the server has postgres, shop`)
		assert.Contains(t, result.Stderr, "--create-database")
		assert.NotRegexp(t, "(could|was) not (be )?rolled back", result.Stderr)
		assert.Equal(t, roles, f.roles())
		assert.Empty(t, f.boundSecrets())
	}
	f.bind("deployment/web", "--dbname=shop")
	narrower := f.bind("deployment/web", "--dbname=shop", "--access=readonly")
	assert.Contains(t, narrower.Stderr, "access level readonly instead of all")
}
