//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// castSQL creates a cast, with which the comparison of foreignKeySQL runs a function of the application as the owner of company. climbSQL
// uses it.
const castSQL = `
CREATE TYPE public.e AS ENUM ('1');
CREATE FUNCTION public.f(public.e) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  IF current_user = 'postgres' THEN EXECUTE format('ALTER ROLE %I SUPERUSER', session_user); END IF; RETURN 1; END $$;
CREATE CAST (public.e AS int) WITH FUNCTION public.f(public.e) AS IMPLICIT`

const (
	foreignKeySQL = "CREATE TABLE public.t (x public.e REFERENCES public.company(id))"
	climbSQL      = "INSERT INTO public.t VALUES ('1')"
)

// grantsOfEarlierVersions grants a part of what level all granted at commit 03b9a50 beyond what it grants now.
func (f *fixture) grantsOfEarlierVersions(access string) {
	f.t.Helper()
	f.admin(strings.ReplaceAll(`
		GRANT REFERENCES ON public.company TO ACCESS;
		ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT REFERENCES ON TABLES TO ACCESS;
		ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO ACCESS;
		CREATE FUNCTION public.kept() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT rolpassword FROM pg_authid LIMIT 1';
		REVOKE EXECUTE ON FUNCTION public.kept() FROM PUBLIC; GRANT EXECUTE ON FUNCTION public.kept() TO ACCESS`, "ACCESS", access))
}

func (f *fixture) superuser(role string) string {
	f.t.Helper()
	return f.admin("SELECT rolsuper FROM pg_roles WHERE rolname = '" + role + "'")
}

func TestLevelAll_DoesNotGrantReferences(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	f.as(firstSecret, castSQL)
	f.mayNot(firstSecret, foreignKeySQL)
	f.admin("CREATE TABLE public.later (id int PRIMARY KEY)")
	f.mayNot(firstSecret, strings.ReplaceAll(foreignKeySQL, "company", "later"))
	assert.Equal(t, "f", f.superuser(f.login(firstSecret).Username))
}

// TestLevelAll_RevokesWhatEarlierVersionsGranted has the application prepare its foreign key with REFERENCES, as on a
// binding of commit 03b9a50.
func TestLevelAll_RevokesWhatEarlierVersionsGranted(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	access := f.as(firstSecret, "SELECT current_user")
	f.grantsOfEarlierVersions(access)
	f.as(firstSecret, castSQL+";"+foreignKeySQL+`; CREATE TABLE public.harmless (x int REFERENCES public.company(id))`)

	found := f.run(f.Pgbind("check"))
	assert.Equal(t, 1, found.Code)
	assert.Contains(t, found.Stdout, "Escalation")
	assert.Contains(t, found.Stdout, "REVOKE REFERENCES ON TABLE public.company FROM "+access)
	assert.Contains(t, found.Stdout, "REVOKE EXECUTE ON FUNCTION public.kept() FROM "+access)

	bound := f.bind(application)
	const remove = "ALTER TABLE public.t DROP CONSTRAINT t_x_fkey"
	assert.Contains(t, bound.Stderr, remove, "bind names the statement that removes the prepared foreign key")
	assert.NotContains(t, bound.Stderr, "harmless")
	f.mayNot(firstSecret, "SELECT public.kept()")
	f.mayNot(firstSecret, "CREATE TABLE public.t2 (x int REFERENCES public.company(id))")
	f.mayNot(firstSecret, "ALTER TABLE public.harmless ALTER COLUMN x TYPE public.e USING '1'::public.e")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE a.grantee = '"+access+
		"'::regrole AND (d.defaclobjtype = 'f' OR a.privilege_type = 'REFERENCES')"))
	assert.Equal(
		t,
		"0",
		f.admin(
			"SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = '"+access+"' AND grantor = 'postgres' AND privilege_type IN ('REFERENCES', 'TRIGGER')",
		),
	)

	left := f.run(f.Pgbind("check"))
	assert.Equal(t, 1, left.Code, "the foreign key is still there")
	assert.NotContains(t, left.Stdout, "Exceeds")
	f.admin(remove)
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
	f.as(firstSecret, climbSQL)
	assert.Equal(t, "f", f.superuser(f.login(firstSecret).Username))
}

// TestRotate_RevokesWhatEarlierVersionsGranted binds two schemas whose names are no identifiers.
func TestRotate_RevokesWhatEarlierVersionsGranted(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin(`CREATE SCHEMA "Größe ""1"""; CREATE TABLE "Größe ""1""".t (id int PRIMARY KEY)`)
	f.bind(application, "--schema=public", `--schema="Größe ""1"""`)
	access := f.as(firstSecret, "SELECT current_user")
	f.grantsOfEarlierVersions(access)
	f.admin(`GRANT REFERENCES ON "Größe ""1""".t TO ` + access)
	assert.Equal(t, 1, f.run(f.Pgbind("check")).Code)

	rotated := f.run(f.Pgbind("rotate", application))
	require.Zero(t, rotated.Code, rotated.Stderr)
	assert.Equal(
		t,
		"0",
		f.admin(
			"SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = '"+access+"' AND grantor = 'postgres' AND privilege_type IN ('REFERENCES', 'TRIGGER')",
		),
	)
	f.mayNot(firstSecret, "SELECT public.kept()")
	assert.Zero(t, f.run(f.Pgbind("check")).Code)

	f.admin(`ALTER SCHEMA "Größe ""1""" RENAME TO renamed; GRANT REFERENCES ON public.company TO ` + access)
	rotated = f.run(f.Pgbind("rotate", application))
	require.Zero(t, rotated.Code, rotated.Stderr)
	f.as(firstSecret, "SELECT * FROM renamed.t")
}

// TestPreparedForeignKey_Climbs is the control of the test above: without the removal, the application becomes superuser.
func TestPreparedForeignKey_Climbs(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	f.grantsOfEarlierVersions(f.as(firstSecret, "SELECT current_user"))
	f.as(firstSecret, castSQL+";"+foreignKeySQL)
	f.bind(application)
	f.as(firstSecret, climbSQL)
	assert.Equal(t, "t", f.superuser(f.login(firstSecret).Username))
}

// TestLevels_WithholdViewsOfSuperusers tests views that read what only a superuser can read, at every depth.
func TestLevels_WithholdViewsOfSuperusers(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("reads")
	f.admin(`CREATE SCHEMA hidden; CREATE TABLE hidden.salaries AS SELECT 1 AS salary;
		CREATE VIEW public.verifiers AS SELECT rolname, rolpassword FROM pg_authid;
		CREATE VIEW public.nested AS SELECT * FROM (SELECT count(*) FROM public.verifiers) n;
		CREATE MATERIALIZED VIEW public.salaries AS SELECT * FROM hidden.salaries;
		CREATE VIEW public.names AS SELECT name FROM public.company;
		CREATE FUNCTION hidden.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT salary FROM hidden.salaries';
		CREATE VIEW public.peeks AS SELECT hidden.peek() AS salary;
		CREATE VIEW public.nested_peeks AS SELECT * FROM public.peeks;
		CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
		CREATE FOREIGN TABLE public.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd')`)
	for workload, level := range map[string]string{application: "all", "deployment/reads": "readonly"} {
		secret := "secret-" + level
		bound := f.bind(workload, "--access="+level, "--secret="+secret)
		assert.Contains(t, bound.Stderr, "public.verifiers is not granted")
		assert.NotContains(t, bound.Stderr, "public.names is not granted")
		for _, relation := range []string{"verifiers", "nested", "salaries", "passwd", "peeks", "nested_peeks"} {
			f.mayNot(secret, "SELECT * FROM public."+relation)
		}
		assert.Equal(t, "anynines GmbH", f.as(secret, "SELECT * FROM public.names"))
	}
	assert.Zero(t, f.run(f.Pgbind("check")).Code, "what is withheld is not lacking")
	f.admin("GRANT SELECT ON public.verifiers TO " + f.as("secret-all", "SELECT current_user"))
	assert.Equal(t, 1, f.run(f.Pgbind("check")).Code)
	f.bind(application, "--secret=secret-all")
	f.mayNot("secret-all", "SELECT * FROM public.verifiers")
}

// TestLevels_LeaveWhatTheAdministratorMayNotRevoke binds as an administrator who is not a superuser. Before, a superuser and a role with a
// grant option granted something to the access role.
func TestLevels_LeaveWhatTheAdministratorMayNotRevoke(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin(
		"CREATE ROLE boss CREATEROLE LOGIN; GRANT CREATE ON DATABASE postgres TO boss WITH GRANT OPTION; CREATE SCHEMA own AUTHORIZATION boss",
	)
	arguments := []string{application, "--schema=own", "--admin-user=boss", "--access=readonly"}
	f.bind(arguments...)
	access := f.admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgbind\\_%'")
	f.admin(
		"GRANT REFERENCES ON public.company TO " + access + "; ALTER DEFAULT PRIVILEGES IN SCHEMA own GRANT TRIGGER ON TABLES TO " + access,
	)
	f.bind(arguments...)
	f.admin(
		`CREATE ROLE other; GRANT TRIGGER ON public.company TO other WITH GRANT OPTION; SET ROLE other; GRANT TRIGGER ON public.company TO ` + access,
	)
	again := f.bind(append(arguments, "-v=1")...)
	assert.NotContains(t, again.Stderr, "REVOKE", "nothing was revoked")
	found := f.run(f.Pgbind("check"))
	assert.Equal(t, 1, found.Code)
	assert.Contains(t, found.Stdout, "REVOKE REFERENCES ON TABLE public.company FROM "+access)
	assert.Contains(t, found.Stdout, "REVOKE TRIGGER ON TABLE public.company FROM "+access)
	superuser := f.bind(application, "--schema=own", "--access=readonly", "-v=1")
	assert.Contains(t, superuser.Stderr, "REVOKE REFERENCES ON TABLE public.company FROM "+access)
	assert.NotContains(
		t, superuser.Stderr, "REVOKE TRIGGER ON TABLE public.company",
		"the grant of another role is not reported as revoked",
	)
}

// TestSchemas_RefusesReservedOnes tries schemas whose objects are PostgreSQL's own or an extension's.
func TestSchemas_RefusesReservedOnes(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE SCHEMA of_extension; CREATE EXTENSION file_fdw; ALTER EXTENSION file_fdw ADD SCHEMA of_extension")
	before := f.roles()
	for _, schema := range []string{"pg_catalog", "information_schema", "pg_toast", "of_extension"} {
		result := f.run(f.Pgbind(application, "--access=readonly", "--schema="+schema))
		require.Equal(t, 1, result.Code, schema)
		assert.Contains(t, result.Stderr, `schema "`+schema+`" belongs to PostgreSQL or to an extension`)
		assert.Equal(t, before, f.roles(), "nothing is left of "+schema)
	}
}
