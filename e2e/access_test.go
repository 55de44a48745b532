//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// ownSchema is a database whose owner can create roles and is not a superuser, with a schema of this owner and one of another role.
const ownSchema = `
CREATE SCHEMA own AUTHORIZATION boss;
SET ROLE boss; CREATE TABLE own.first(id serial PRIMARY KEY, name text); RESET ROLE;
CREATE SCHEMA theirs; CREATE TABLE theirs.secret(id int)`

// TestLevels tests the privileges of each level, in several orders, on every server version of the cluster, as a superuser and as an
// administrator who can only create roles.
func TestLevels(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	for _, version := range serverVersions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := f.in(t).server(version)
			s.sql("postgres", "CREATE ROLE boss CREATEROLE LOGIN")
			for _, admin := range []string{"postgres", "boss"} {
				database := "of_" + admin
				s.sql("postgres", "CREATE DATABASE "+database+" OWNER boss")
				s.sql(database, ownSchema)
				a := &accessTest{sqlServer: s.in(t), database: database, admin: admin, host: f.podIP("postgres-" + version)}
				t.Run(admin, func(t *testing.T) { a.in(t).levels() })
				t.Run(admin+" isolates", func(t *testing.T) { a.in(t).isolates() })
				t.Run(admin+" tells what it could not give", func(t *testing.T) { a.in(t).lacks() })
			}
			a := &accessTest{sqlServer: s, database: "of_postgres", admin: "postgres", host: f.podIP("postgres-" + version)}
			t.Run("privileges of PUBLIC", func(t *testing.T) { a.in(t).public() })
			if version == "17" {
				t.Run("a lock's holder is named", func(t *testing.T) { a.in(t).locked() })
			}
		})
	}
}

func (f *fixture) podIP(name string) string {
	f.t.Helper()
	pod, err := f.Client.CoreV1().Pods(f.Name).Get(f.ctx, name, metav1.GetOptions{})
	require.NoError(f.t, err)
	return pod.Status.PodIP
}

// accessTest binds roles in one database as one administrator.
type accessTest struct {
	*sqlServer
	database, admin, host string
}

func (a *accessTest) in(t *testing.T) *accessTest {
	t.Helper()
	copied := *a
	copied.sqlServer = a.sqlServer.in(t)
	return &copied
}

// bind creates a login role of that name with pgbind's own package.
func (a *accessTest) bind(role string, access postgres.Access, change ...func(*postgres.RoleSpec)) *postgres.Result {
	a.t.Helper()
	server := *a.Server
	server.User, server.Database = a.admin, a.database
	access.Database = a.database
	binding := postgres.RoleSpec{Name: a.role(role), Owner: postgres.Owner{ID: a.role(role), Run: "r", Namespace: "shop"}, Access: access}
	for _, c := range change {
		c(&binding)
	}
	login := postgres.Login{Password: "only-for-this-test", Set: true, Host: a.host, HostComplete: true, Port: 5432}
	request := []postgres.Request{{Role: binding, Login: login}}
	created := server.CreateAll(a.ctx, request)[0]
	outcome := created.Outcome
	if errors.Is(created.Err, postgres.ErrExists) {
		outcome = server.BindAll(a.ctx, request)[0]
	}
	require.NoError(a.t, outcome.Err)
	require.True(a.t, outcome.Result.Verified)
	return outcome.Result
}

// role returns a name that differs for the two administrators.
func (a *accessTest) role(name string) string { return "app_" + a.admin + "_" + name }

func (a *accessTest) may(role, sql string) {
	a.t.Helper()
	_, err := a.as(a.role(role), a.database, sql)
	require.NoError(a.t, err, "%s: %s", role, sql)
}

func (a *accessTest) mayNot(role, sql string) {
	a.t.Helper()
	_, err := a.as(a.role(role), a.database, sql)
	require.ErrorContains(a.t, err, "permission denied", "%s: %s", role, sql)
}

// levels binds the narrow levels first, and the wide one twice.
func (a *accessTest) levels() {
	own := []string{"own"}
	a.bind("reads", postgres.Access{Schemas: own, Level: postgres.ReadOnly})
	a.bind("writes", postgres.Access{Schemas: own, Level: postgres.ReadWrite})
	assert.Empty(a.t, a.bind("all", postgres.Access{Schemas: own, Level: postgres.All}).Lacks)
	a.bind("too", postgres.Access{Schemas: own, Level: postgres.All})
	_, err := a.as("boss", a.database, "CREATE TABLE own.of_boss(id serial PRIMARY KEY, name text)")
	require.NoError(a.t, err)
	a.may(
		"all",
		"CREATE TABLE own.of_all(id serial PRIMARY KEY, name text); CREATE FUNCTION own.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	)

	for _, table := range []string{"own.first", "own.of_boss", "own.of_all"} {
		a.may("too", "INSERT INTO "+table+"(name) VALUES ('a')")
		a.may("writes", "INSERT INTO "+table+"(name) VALUES ('b'); UPDATE "+table+" SET name = 'c'; DELETE FROM "+table+" WHERE name = 'b'")
		a.may("reads", "SELECT * FROM "+table)
		a.mayNot("reads", "DELETE FROM "+table)
		a.mayNot("writes", "TRUNCATE "+table)
		a.may("all", "TRUNCATE "+table)
	}
	a.may("too", "ALTER TABLE own.of_all ADD more int; SELECT own.one()")
	a.mayNot("reads", "CREATE TABLE own.mine(id int)")
	a.mayNot("writes", "CREATE TABLE own.mine(id int)")
	a.mayNot("all", "SELECT * FROM theirs.secret")
	a.mayNot(
		"all",
		"CREATE FUNCTION own.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON own.first FOR EACH ROW EXECUTE FUNCTION own.f()",
	)
	again := a.bind("all", postgres.Access{Schemas: own, Level: postgres.All})
	assert.Empty(a.t, again.Did, "bound again")
}

// isolates binds with an access role of its own.
func (a *accessTest) isolates() {
	a.bind(
		"alone",
		postgres.Access{Schemas: []string{"own"}, Level: postgres.All, Isolated: "alone"},
		func(spec *postgres.RoleSpec) { spec.Force = true },
	)
	a.may("alone", "CREATE TABLE own.of_alone(id int)")
	_, err := a.as(a.role("all"), a.database, "DROP TABLE own.of_alone")
	require.ErrorContains(a.t, err, "must be owner")
}

// lacks binds to two schemas. On one of them, an administrator who is not a superuser cannot grant anything.
func (a *accessTest) lacks() {
	both := postgres.Access{Database: a.database, Schemas: []string{"own", "theirs"}, Level: postgres.ReadOnly}
	result := a.bind("both", both)
	a.may("both", "SELECT * FROM own.first")
	if a.admin == "postgres" {
		assert.Empty(a.t, result.Lacks)
		a.may("both", "SELECT * FROM theirs.secret")
		a.mayNot("reads", "SELECT * FROM theirs.secret")
		assert.Equal(
			a.t, []string{"nowhere"},
			a.bind("lost", postgres.Access{Schemas: []string{"nowhere"}, Level: postgres.ReadOnly}).NoSchemas,
		)
		a.sql(a.database, fmt.Sprintf(`DO $$ BEGIN
			IF current_setting('server_version_num')::int < 160000 THEN ALTER ROLE %[2]q NOINHERIT; ELSE EXECUTE 'GRANT %[1]q TO %[2]q WITH INHERIT FALSE'; END IF;
		END $$`, both.Role(), a.role("both")))
		assert.Contains(
			a.t, a.bind("both", both).Lacks, "SELECT on table theirs.secret",
			"what the level has does not reach the login role",
		)
		return
	}
	assert.Subset(
		a.t, result.Lacks,
		[]string{"USAGE on schema theirs", "SELECT on table theirs.secret", "what role postgres will create in schema theirs"},
	)
	a.mayNot("both", "SELECT * FROM theirs.secret")
}

// public revokes from PUBLIC what no level grants.
func (a *accessTest) public() {
	reads := postgres.Access{Schemas: []string{"public"}, Level: postgres.ReadOnly}
	open := a.bind("open", reads).Public
	what := map[string]string{}
	for _, grant := range open {
		what[grant.What] = grant.Close
	}
	assert.Equal(
		a.t, "REVOKE CONNECT, TEMPORARY ON DATABASE "+a.database+" FROM PUBLIC", what["CONNECT and TEMPORARY on database "+a.database],
	)
	assert.NotContains(a.t, what, "CONNECT and TEMPORARY on database postgres", "a bind reports its own database only")
	if a.sql(a.database, "SELECT has_schema_privilege('public', 'public', 'CREATE')") == "t" {
		assert.Equal(a.t, "REVOKE CREATE ON SCHEMA public FROM PUBLIC", what["CREATE on schema public"])
		a.may("open", "CREATE TABLE public.slipped_in(id int)")
	}

	server := *a.Server
	server.Database = "postgres"
	grants, unread, err := server.PublicGrants(a.ctx, []string{a.database, "postgres"})
	require.NoError(a.t, err)
	assert.Empty(a.t, unread)
	for _, g := range grants {
		assert.True(a.t, g.May, g.What)
		assert.NotContains(a.t, g.Roles, a.role("open"), "a role of pgbind has grants of its own")
		if g.Database == "postgres" {
			assert.Contains(a.t, g.Roles, "boss")
		}
		if g.Database == a.database {
			assert.NotContains(a.t, g.Roles, "boss", "the owner relies on nothing of PUBLIC")
		}
	}
	did, unfinished, err := server.RevokePublic(a.ctx, grants)
	require.NoError(a.t, err)
	assert.Empty(a.t, unfinished)
	assert.Len(a.t, did, len(grants))
	left, _, err := server.PublicGrants(a.ctx, []string{a.database, "postgres"})
	require.NoError(a.t, err)
	assert.Empty(a.t, left)
	assert.Equal(
		a.t,
		"0",
		a.sql(
			"postgres",
			"SELECT count(*) FROM pg_database d, aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE datallowconn AND a.grantee = 0",
		),
	)

	result := a.bind("closed", reads, func(spec *postgres.RoleSpec) { spec.Expires = time.Now().Add(time.Hour) })
	assert.Empty(a.t, result.Public)
	a.mayNot("closed", "CREATE TABLE public.mine(id int)")
	a.mayNot("closed", "CREATE TEMPORARY TABLE mine(id int)")
	_, err = a.as(a.role("closed"), "postgres", "SELECT 1")
	require.ErrorContains(a.t, err, "permission denied")
	assert.Equal(
		a.t,
		"t",
		a.sql(
			"postgres",
			"SELECT rolvaliduntil BETWEEN now() + '50 min' AND now() + '70 min' FROM pg_roles WHERE rolname = '"+a.role("closed")+"'",
		),
	)
}

// locked holds a lock on roles for longer than a bind waits.
func (a *accessTest) locked() {
	const holder = "FROM pg_stat_activity WHERE application_name = 'somebody' AND wait_event = 'PgSleep'"
	ended := make(chan error, 1)
	go func() {
		_, err := a.as(
			"postgres", "postgres",
			"SET application_name = 'somebody'; BEGIN; LOCK TABLE pg_authid IN EXCLUSIVE MODE; SELECT pg_sleep(300)",
		)
		ended <- err
	}()
	require.Eventually(
		a.t,
		func() bool { return a.sql("postgres", "SELECT count(*) "+holder) == "1" },
		30*time.Second,
		100*time.Millisecond,
	)
	server := *a.Server
	server.Database = "postgres"

	late := postgres.RoleSpec{Name: "late", Owner: postgres.Owner{ID: "late", Run: "r", Namespace: "shop"}}
	err := server.CreateAll(a.ctx, []postgres.Request{{Role: late, Login: postgres.Login{Password: "only-for-this-test", Set: true}}})[0].Err

	var locked *postgres.LockedError
	require.ErrorAs(a.t, err, &locked)
	require.ErrorContains(a.t, err, "of user postgres (somebody)")
	a.sql("postgres", "SELECT pg_terminate_backend(pid) "+holder)
	require.ErrorContains(a.t, <-ended, "terminating connection")
}
