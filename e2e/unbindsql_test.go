//go:build e2e

package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

const (
	boundRole  = "pgb_sqltest_1"
	accessMark = "pgbind/v1 access=all on=x run=r"
	boundMark  = "pgbind/v1 id=sqltest namespace=shop uid=uid run=r"
)

// richRole is a login role with an access role, and with objects in two databases.
const richRole = `
CREATE ROLE heir NOLOGIN; COMMENT ON ROLE heir IS '` + accessMark + `';
CREATE ROLE third NOLOGIN;
CREATE ROLE ` + boundRole + ` LOGIN IN ROLE heir; COMMENT ON ROLE ` + boundRole + ` IS '` + boundMark + `';
CREATE DATABASE app; GRANT CREATE ON DATABASE app TO ` + boundRole + `;
CREATE DATABASE other OWNER ` + boundRole

// richDatabase creates one of each object that a role can own or hold in a database.
const richDatabase = `
CREATE TABLE public.of_admin(id int); INSERT INTO public.of_admin VALUES (1);
GRANT SELECT ON public.of_admin TO ` + boundRole + `;
ALTER TABLE public.of_admin ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_app ON public.of_admin TO ` + boundRole + ` USING (true);
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE USER MAPPING FOR ` + boundRole + ` SERVER far;
SET SESSION AUTHORIZATION ` + boundRole + `;
CREATE SCHEMA of_app;
CREATE TABLE of_app.orders(id serial PRIMARY KEY); INSERT INTO of_app.orders DEFAULT VALUES;
CREATE VIEW of_app.latest AS SELECT * FROM of_app.orders;
CREATE TYPE of_app.colour AS ENUM ('red');
CREATE FUNCTION of_app.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT lo_create(4711);
GRANT SELECT ON of_app.orders TO third;
ALTER DEFAULT PRIVILEGES IN SCHEMA of_app GRANT SELECT ON TABLES TO third`

func sqlOwner() postgres.Owner {
	return postgres.Owner{ID: "sqltest", Run: "r", Namespace: "shop", NamespaceUID: "uid"}
}

// TestRetireSQL tests the SQL with which unbind and rotate drop a role, on every server version of the cluster.
func TestRetireSQL(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	for _, version := range serverVersions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			testRetireSQL(f.in(t).server(version))
		})
	}
}

func testRetireSQL(s *sqlServer) {
	s.sql("postgres", richRole)
	for _, database := range []string{"app", "other"} {
		s.sql(database, richDatabase)
	}
	for _, part := range []struct {
		name string
		test func(*sqlServer)
	}{
		{"sees everything that the role holds", seesHoldings},
		{"sees a prepared transaction", seesPrepared},
		{"touches no role without the mark", touchesNoForeignRole},
		{"makes a successor that is no more than the former", makesSuccessor},
		{"touches no later role of the same name", touchesNoLaterRole},
		{"ends a session that is in a transaction", endsSessions},
		{"drops the role and keeps its data", dropsRole},
		{"hands what a narrow login owns to the owner role", handsToOwnerRole},
		{"removes an access role that nothing uses", purges},
	} {
		if !s.t.Run(part.name, func(t *testing.T) { part.test(s.in(t)) }) {
			return
		}
	}
}

func seesHoldings(s *sqlServer) {
	found := s.holdings()
	require.Len(s.t, found.Roles, 1)
	holder := found.Roles[0]
	assert.Equal(s.t, "heir", holder.NewOwner)
	assert.True(s.t, holder.CanLogin)
	assert.Empty(s.t, holder.Members)
	assert.Equal(s.t, []postgres.HeldDatabase{{Name: "app", Open: true}, {Name: "other", Open: true}}, found.Databases)
	require.Len(s.t, holder.Objects, 2)
	for _, objects := range holder.Objects {
		for _, object := range []string{"table of_app.orders", "schema of_app", "sequence of_app.orders_id_seq", "large object 4711", "function of_app.one()", "view of_app.latest"} {
			assert.Contains(s.t, objects.Owns, object, objects.Database)
		}
		lost := strings.Join(objects.Loses, "\n")
		for _, object := range []string{"privileges on table public.of_admin", "policy only_app on table public.of_admin", "user mapping for " + boundRole, "default privileges"} {
			assert.Contains(s.t, lost, object, objects.Database)
		}
	}
	i := slices.IndexFunc(holder.Objects, func(o postgres.Objects) bool { return o.Database == "app" })
	assert.Contains(s.t, holder.Objects[i].Owns, "database other", "what belongs to no database is seen in the bound one")
}

func seesPrepared(s *sqlServer) {
	s.sql("other", "SET SESSION AUTHORIZATION "+boundRole+"; BEGIN; INSERT INTO of_app.orders DEFAULT VALUES; PREPARE TRANSACTION 'tx'")
	found := s.holdings()
	assert.Equal(s.t, []postgres.Prepared{{Name: "tx", Database: "other"}}, found.Roles[0].Prepared)
	s.sql("other", "ROLLBACK PREPARED 'tx'")
}

func touchesNoForeignRole(s *sqlServer) {
	s.sql("app", "CREATE ROLE theirs LOGIN; COMMENT ON ROLE theirs IS 'pgbind/v1 id=sqltest namespace=shop2 uid= run='")
	before := s.sql("app", "SELECT pg_authid.*, shobj_description(oid, 'pg_authid') FROM pg_authid ORDER BY oid")
	for _, role := range []string{"theirs", "postgres", "pg_monitor"} {
		var foreign *postgres.ForeignRoleError
		roles := sqlRoles(role)
		require.ErrorAs(s.t, s.Holdings(s.ctx, roles)[0].Err, &foreign, role)
		require.ErrorAs(s.t, s.Disable(s.ctx, roles)[0].Err, &foreign, role)
		require.ErrorAs(s.t, s.EndSessions(s.ctx, roles)[0].Err, &foreign, role)
		require.ErrorAs(s.t, s.Rename(s.ctx, []postgres.NewName{{LoginRole: roles[0], To: "mine"}})[0].Err, &foreign, role)
		_, err := s.drop(role)
		require.ErrorAs(s.t, err, &foreign, role)
		require.ErrorAs(s.t, s.Purge(s.ctx, []string{role})[0].Err, &foreign, role)
	}
	assert.Equal(s.t, before, s.sql("app", "SELECT pg_authid.*, shobj_description(oid, 'pg_authid') FROM pg_authid ORDER BY oid"))
}

func makesSuccessor(s *sqlServer) {
	const successor = "pgb_sqltest_2"
	s.sql(
		"app",
		"ALTER ROLE "+boundRole+" IN DATABASE app SET role TO heir; ALTER ROLE "+boundRole+" CONNECTION LIMIT 7 VALID UNTIL '2099-01-01'; GRANT third TO "+boundRole,
	)
	replace := func(role, former string) []postgres.Request {
		login := postgres.Login{Password: "onlyForThisTest", Set: true, Host: s.podIP, HostComplete: true, Port: 5432}
		binding := postgres.RoleSpec{Name: role, Former: former, Owner: sqlOwner(), Access: postgres.Access{Database: s.Database}}
		return []postgres.Request{{Role: binding, Login: login}}
	}
	created := s.CreateAll(s.ctx, replace(successor, boundRole))[0]
	require.NoError(s.t, created.Err)
	assert.True(s.t, created.Made)
	assert.True(s.t, created.Result.Verified)
	again := s.BindAll(s.ctx, replace(successor, boundRole))[0]
	require.NoError(s.t, again.Err)
	assert.True(s.t, again.Result.Verified)
	facts := func(role string) string {
		return s.sql("app", `SELECT rolsuper, rolcreaterole, rolcanlogin, rolconnlimit, rolvaliduntil,
			(SELECT array_agg(roleid::regrole ORDER BY roleid) FROM pg_auth_members WHERE member = r.oid),
			(SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid), shobj_description(r.oid, 'pg_authid') FROM pg_roles r WHERE rolname = '`+role+"'")
	}
	assert.Equal(s.t, facts(boundRole), facts(successor))
	found := s.holdings()
	assert.Len(s.t, found.Roles, 2, "both generations are found")

	var gone *postgres.GoneError
	require.ErrorAs(s.t, s.BindAll(s.ctx, replace(successor, "missing"))[0].Err, &gone)
	for _, pair := range [][2]string{{successor, "postgres"}, {successor, "theirs"}, {"postgres", boundRole}, {"theirs", boundRole}} {
		var foreign *postgres.ForeignRoleError
		require.ErrorAs(s.t, s.BindAll(s.ctx, replace(pair[0], pair[1]))[0].Err, &foreign, pair)
	}
	endsIdle(s)
	// A role that is not ours does not prevent the change of the others.
	changes := s.Disable(s.ctx, sqlRoles("theirs", successor, "missing"))
	var foreign *postgres.ForeignRoleError
	require.ErrorAs(s.t, changes[0].Err, &foreign)
	require.NoError(s.t, changes[1].Err)
	require.NoError(s.t, changes[2].Err)
	assert.Equal(s.t, "f", s.sql("app", "SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+successor+"'"))
	_, err := s.drop(successor)
	require.NoError(s.t, err)
}

// endsIdle terminates only idle sessions.
func endsIdle(s *sqlServer) {
	const idle, busy = "SELECT 1;\n\\! sleep 40", "BEGIN; SELECT pg_sleep(8)"
	ended := make(chan error, 2)
	for _, sql := range []string{idle, busy} {
		go func() {
			_, err := s.as(boundRole, "other", sql)
			ended <- err
		}()
	}
	require.Eventually(s.t, func() bool {
		return s.sql(
			"app",
			"SELECT string_agg(state, ' ' ORDER BY state) FROM pg_stat_activity WHERE usename = '"+boundRole+"'",
		) == "active idle"
	}, 20*time.Second, 100*time.Millisecond)
	require.NoError(s.t, s.EndIdle(s.ctx, sqlRoles(boundRole))[0].Err)
	require.NoError(s.t, <-ended, "the busy one comes to its end")
	require.Eventually(s.t, func() bool { return s.sessions() == 0 }, 20*time.Second, 100*time.Millisecond)
}

func endsSessions(s *sqlServer) {
	ended := make(chan error, 1)
	go func() {
		_, err := s.as(boundRole, "other", "BEGIN; INSERT INTO of_app.orders DEFAULT VALUES; SELECT pg_sleep(60)")
		ended <- err
	}()
	require.Eventually(s.t, func() bool { return s.sessions() == 1 }, 20*time.Second, 100*time.Millisecond)
	require.NoError(s.t, s.EndSessions(s.ctx, sqlRoles(boundRole))[0].Err)
	assert.Equal(s.t, 1, s.sessions(), "while it may log in, its sessions are left alone")

	require.NoError(s.t, s.Disable(s.ctx, sqlRoles(boundRole))[0].Err)
	require.NoError(s.t, s.Disable(s.ctx, sqlRoles(boundRole))[0].Err, "it can be repeated")
	_, err := s.as(boundRole, "other", "SELECT 1")
	require.ErrorContains(s.t, err, "not permitted to log in")
	require.NoError(s.t, s.EndSessions(s.ctx, sqlRoles(boundRole))[0].Err)
	require.ErrorContains(s.t, <-ended, "terminating connection")
	require.Eventually(s.t, func() bool { return s.sessions() == 0 }, 20*time.Second, 100*time.Millisecond)
}

func touchesNoLaterRole(s *sqlServer) {
	held := s.holdings()
	require.Len(s.t, held.Roles, 1)
	former := sqlRoles(boundRole)
	former[0].Owner.OID = held.Roles[0].OID - 1

	require.NoError(s.t, s.Disable(s.ctx, former)[0].Err, "it is gone")
	change := s.Drop(s.ctx, []postgres.HeldRole{{LoginRole: former[0], Databases: held.Databases}})[0]
	require.NoError(s.t, change.Err)
	assert.Empty(s.t, change.Did)

	assert.Equal(
		s.t, strconv.FormatInt(held.Roles[0].OID, 10)+"|t",
		s.sql("app", "SELECT oid, rolcanlogin FROM pg_roles WHERE rolname = '"+boundRole+"'"),
	)
}

func dropsRole(s *sqlServer) {
	did, err := s.drop(boundRole, "app", "other")
	require.NoError(s.t, err)
	assert.Equal(s.t, []string{
		"REASSIGN OWNED BY pgb_sqltest_1 TO heir (in database app)", "DROP OWNED BY pgb_sqltest_1 RESTRICT (in database app)",
		"REASSIGN OWNED BY pgb_sqltest_1 TO heir (in database other)", "DROP OWNED BY pgb_sqltest_1 RESTRICT (in database other)",
		"DROP ROLE pgb_sqltest_1",
	}, did)
	assert.Equal(s.t, "0", s.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname = '"+boundRole+"'"))
	for _, database := range []string{"app", "other"} {
		assert.Equal(s.t, "1", s.sql(database, "SELECT count(*) FROM of_app.orders"), database)
		assert.Equal(
			s.t, "heir",
			s.sql(database, "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'of_app'::regnamespace"),
			database,
		)
		assert.Equal(s.t, "heir", s.sql(database, "SELECT lomowner::regrole FROM pg_largeobject_metadata"), database)
		assert.Equal(s.t, "1", s.sql(database, "SELECT count(*) FROM public.of_admin"), database)
	}
	assert.Equal(s.t, "heir", s.sql("app", "SELECT datdba::regrole FROM pg_database WHERE datname = 'other'"))

	did, err = s.drop(boundRole, "app", "other")
	require.NoError(s.t, err, "it can be repeated")
	assert.Empty(s.t, did)
	require.NoError(s.t, s.Disable(s.ctx, sqlRoles(boundRole))[0].Err)
	require.NoError(s.t, s.EndSessions(s.ctx, sqlRoles(boundRole))[0].Err)
}

func handsToOwnerRole(s *sqlServer) {
	owner := sqlOwner().Role()
	s.sql("app", `CREATE ROLE narrow NOLOGIN; COMMENT ON ROLE narrow IS 'pgbind/v1 access=readonly on=x run=r';
		CREATE ROLE pgb_sqltest_2 LOGIN IN ROLE narrow; COMMENT ON ROLE pgb_sqltest_2 IS '`+boundMark+`';
		CREATE ROLE pgb_sqltest_3 LOGIN IN ROLE narrow; COMMENT ON ROLE pgb_sqltest_3 IS '`+boundMark+`';
		CREATE TABLE public.left_behind(id serial); ALTER TABLE public.left_behind OWNER TO pgb_sqltest_2`)
	s.sql(
		"other",
		"CREATE FUNCTION public.left_too() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION public.left_too() OWNER TO pgb_sqltest_2",
	)
	_, err := s.drop("pgb_sqltest_2", "app", "other")
	require.NoError(s.t, err)
	assert.Equal(s.t, owner, s.sql("app", "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relname LIKE 'left\\_behind%'"))
	assert.Equal(s.t, owner, s.sql("other", "SELECT proowner::regrole FROM pg_proc WHERE proname = 'left_too'"))
	assert.Equal(s.t, "f", s.sql("app", "SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+owner+"'"))
	assert.Equal(
		s.t,
		"pgb_sqltest_3",
		s.sql(
			"app",
			"SELECT string_agg(member::regrole::text, ' ') FROM pg_auth_members WHERE roleid = '"+owner+"'::regrole AND member <> 10",
		),
	)

	s.sql("app", "DROP TABLE public.left_behind")
	s.sql("other", "DROP FUNCTION public.left_too()")
	_, err = s.drop("pgb_sqltest_3")
	require.NoError(s.t, err)
	assert.Equal(s.t, "0", s.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname = '"+owner+"'"))
}

func purges(s *sqlServer) {
	assert.True(s.t, s.purge("heir").Stays, "it owns what the workload made")

	s.sql("app", "CREATE ROLE idle NOLOGIN; COMMENT ON ROLE idle IS '"+accessMark+"'; GRANT CONNECT ON DATABASE app TO idle")
	for _, database := range []string{"app", "other"} {
		s.sql(database, `GRANT SELECT ON public.of_admin TO idle;
			ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO idle;
			ALTER DEFAULT PRIVILEGES FOR ROLE idle IN SCHEMA public GRANT SELECT ON TABLES TO heir`)
	}
	s.sql("app", "GRANT idle TO theirs")
	assert.True(s.t, s.purge("idle").Stays, "it has a member")

	s.sql("app", "REVOKE idle FROM theirs")
	purged := s.Purge(s.ctx, []string{"heir", "idle"})
	require.NoError(s.t, purged[0].Err)
	assert.True(s.t, purged[0].Stays, "what stays does not prevent the others")
	require.NoError(s.t, purged[1].Err)
	assert.False(s.t, purged[1].Stays)
	assert.Equal(s.t, "0", s.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname = 'idle'"))
	assert.Equal(s.t, "1", s.sql("app", "SELECT count(*) FROM public.of_admin"))
	assert.False(s.t, s.purge("idle").Stays, "it can be repeated")
}

func (s *sqlServer) purge(role string) postgres.Purged {
	s.t.Helper()
	purged := s.Purge(s.ctx, []string{role})[0]
	require.NoError(s.t, purged.Err)
	return purged
}

// sqlRoles are login roles of the binding.
func sqlRoles(names ...string) []postgres.LoginRole {
	var roles []postgres.LoginRole
	for _, name := range names {
		roles = append(roles, postgres.LoginRole{Owner: sqlOwner(), Name: name})
	}
	return roles
}

// holdings is what the bound role holds.
func (s *sqlServer) holdings() *postgres.Holdings {
	s.t.Helper()
	found := s.Holdings(s.ctx, sqlRoles(boundRole))[0]
	require.NoError(s.t, found.Err)
	return found.Holdings
}

// drop drops a role that holds something in these databases.
func (s *sqlServer) drop(name string, databases ...string) (did []string, err error) {
	role := postgres.HeldRole{LoginRole: sqlRoles(name)[0]}
	for _, database := range databases {
		role.Databases = append(role.Databases, postgres.HeldDatabase{Name: database, Open: true})
	}
	change := s.Drop(s.ctx, []postgres.HeldRole{role})[0]
	return change.Did, change.Err
}
