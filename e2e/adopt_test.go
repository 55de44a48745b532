//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// The login that the lesson creates by hand.
const (
	handRole     = "gaeMo6di"
	handPassword = "UaGu5chu"
)

// byHand does the lesson without the plugin: createuser, psql, a Secret, and three variables in the Deployment.
func (f *fixture) byHand() {
	f.t.Helper()
	f.kubectl("exec", lesson.DatabasePod, "--", "createuser", "--username=postgres", handRole)
	f.admin(`ALTER ROLE "` + handRole + `" PASSWORD '` + handPassword + `';
		GRANT ALL PRIVILEGES ON DATABASE "postgres" TO "` + handRole + `";
		GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA "public" TO "` + handRole + `";
		GRANT ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA "public" TO "` + handRole + `";
		GRANT CREATE ON SCHEMA public TO "` + handRole + `"`)
	f.kubectl("create", "secret", "generic", firstSecret, "--from-literal=POSTGRES_HOST=postgresql-svc."+f.Name+".svc.cluster.local",
		"--from-literal=POSTGRES_USERNAME="+handRole, "--from-literal=POSTGRES_PASSWORD="+handPassword)
	f.kubectl("set", "env", application, "--from=secret/"+firstSecret)
	f.rollout(application)
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
	f.as(firstSecret, `CREATE TABLE made_before(id serial PRIMARY KEY, name text);
		CREATE FUNCTION runs_as_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`)
}

// password changes with the password of the role.
func (f *fixture) password(role string) string {
	f.t.Helper()
	return f.admin("SELECT md5(rolpassword) FROM pg_authid WHERE rolname = '" + role + "'")
}

func (f *fixture) owner(table string) string {
	f.t.Helper()
	return f.admin("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '" + table + "'::regclass")
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"13", "15", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.WithoutClaim, harness.Version(version)).testAdopt()
		})
	}
}

func (f *fixture) testAdopt() {
	t := f.t
	f.byHand()
	pods, template, password, data := f.podUIDs(), f.application().Spec.Template, f.password(handRole), digests(f.secret(firstSecret).Data)
	roles, stored := f.roles(), f.secret(firstSecret).ResourceVersion
	f.bind(application, "--adopt", "--dry-run=server")
	assert.Equal(t, roles, f.roles())
	assert.Equal(t, stored, f.secret(firstSecret).ResourceVersion)

	result := f.bind(application, "--adopt")

	assert.Equal(t, []string{"secret/" + firstSecret + " configured", "deployment.apps/postgresql-application bound"}, lines(result.Stdout))
	assert.Contains(t, result.Stderr, "runs_as_owner", "what stays with the login is named")
	assert.Equal(t, pods, f.podUIDs())
	assert.Equal(t, template, f.application().Spec.Template)
	assert.Equal(t, password, f.password(handRole))
	assert.Equal(t, data, digests(f.secret(firstSecret).Data))
	assert.Equal(
		t, "t",
		f.admin(`SELECT shobj_description('"`+handRole+`"'::regrole, 'pg_authid') LIKE 'pgbind/v1 id=% namespace=`+f.Name+` %'`),
	)
	assert.Equal(
		t, "0",
		f.admin(`SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee = '"`+handRole+`"'::regrole`),
		"the access role has the privileges",
	)
	assert.Contains(t, f.owner("made_before"), "pgbind_postgres_public_all_")
	f.as(firstSecret, "ALTER TABLE made_before ADD COLUMN later text; INSERT INTO made_before(name) VALUES ('row'); SELECT FROM company")
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
	f.requireHealthy()
	for _, args := range [][]string{{application}, {application, "--adopt"}} {
		again := f.bind(args...)
		assert.Equal(
			t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/postgresql-application unchanged"},
			lines(again.Stdout),
		)
	}
	assert.Equal(t, password, f.password(handRole))

	f.bind("rotate", application, "--grace=1s")
	assert.NotEqual(t, handRole, f.login(firstSecret).Username)
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+handRole+"'"))
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
	f.requireHealthy()

	f.bind("unbind", application, "--grace=1s")
	assert.Empty(t, f.application().Spec.Template.Spec.Containers[0].Env)
	assert.Empty(t, f.loginRoles())
	_, err := f.Kubectl("get", "secret", firstSecret).Output(f.ctx)
	require.ErrorContains(t, err, "not found")
	assert.Equal(t, "1", f.admin("SELECT count(*) FROM made_before"))
}

func TestAdopt_Refuses(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.byHand()
	f.create(small(deployment("worker", nil)))
	for _, tt := range []struct {
		name, before, after, says string
	}{
		{"a role that is missing", `ALTER ROLE "gaeMo6di" RENAME TO away`, `ALTER ROLE away RENAME TO "gaeMo6di"; ALTER ROLE "gaeMo6di" PASSWORD 'UaGu5chu'`, "does not exist"},
		{"another password", `ALTER ROLE "gaeMo6di" PASSWORD 'other'`, `ALTER ROLE "gaeMo6di" PASSWORD 'UaGu5chu'`, "does not take the password"},
		{"a superuser", `ALTER ROLE "gaeMo6di" SUPERUSER`, `ALTER ROLE "gaeMo6di" NOSUPERUSER`, "SUPERUSER"},
		{"a role that creates roles", `ALTER ROLE "gaeMo6di" CREATEROLE`, `ALTER ROLE "gaeMo6di" NOCREATEROLE`, "CREATEROLE"},
		{"a role that creates databases", `ALTER ROLE "gaeMo6di" CREATEDB`, `ALTER ROLE "gaeMo6di" NOCREATEDB`, "CREATEDB"},
		{"a role for replication", `ALTER ROLE "gaeMo6di" REPLICATION`, `ALTER ROLE "gaeMo6di" NOREPLICATION`, "REPLICATION"},
		{"a role that bypasses row security", `ALTER ROLE "gaeMo6di" BYPASSRLS`, `ALTER ROLE "gaeMo6di" NOBYPASSRLS`, "BYPASSRLS"},
		{"a role of another binding", `COMMENT ON ROLE "gaeMo6di" IS 'pgbind/v1 id=other namespace=other uid= run=other'`, `COMMENT ON ROLE "gaeMo6di" IS NULL`, "another comment"},
		{"a member of the superuser", `GRANT postgres TO "gaeMo6di"`, `REVOKE postgres FROM "gaeMo6di"`, "is a member of"},
		{"a member of a role of PostgreSQL", `GRANT pg_read_server_files TO "gaeMo6di"`, `REVOKE pg_read_server_files FROM "gaeMo6di"`, "is a member of"},
		{"a role with members", `CREATE ROLE part IN ROLE "gaeMo6di"`, `DROP ROLE part`, "other roles are members"},
		{"a role that inherits nothing", `ALTER ROLE "gaeMo6di" NOINHERIT`, `ALTER ROLE "gaeMo6di" INHERIT`, "ALTER ROLE ... INHERIT"},
	} {
		f.in(t).refusesToAdopt(tt.name, func() { f.admin(tt.before) }, tt.says)
		f.admin(tt.after)
	}
	f.kubectl("create", "secret", "generic", "copy", "--from-literal=user="+handRole, "--from-literal=password="+handPassword)
	f.refusesToAdopt("a copy of the login", func() {}, "secret/copy")
	f.kubectl("delete", "secret", "copy")
	f.refusesToAdopt(
		"another workload",
		func() { f.kubectl("set", "env", "deployment/worker", "--from=secret/"+firstSecret) },
		"deployment.apps/worker",
	)
	f.bind(application, "--adopt", "--force")
}

// refusesToAdopt requires that an adoption fails, and that nothing has changed.
func (f *fixture) refusesToAdopt(name string, prepare func(), says string) {
	f.t.Helper()
	prepare()
	roles, stored, workload := f.roles(), f.secret(firstSecret).ResourceVersion, f.application()
	privileges := f.privileges()
	result := f.run(f.Pgbind(application, "--adopt"))
	assert.Equal(f.t, 1, result.Code, name)
	assert.Contains(f.t, result.Stderr, says, name)
	f.requireNoPassword(result.Stdout + result.Stderr)
	assert.Equal(f.t, roles, f.roles(), name)
	assert.Equal(f.t, privileges, f.privileges(), name)
	assert.Equal(f.t, stored, f.secret(firstSecret).ResourceVersion, name)
	assert.Equal(f.t, workload.Generation, f.application().Generation, name)
	assert.Equal(f.t, workload.Annotations, f.application().Annotations, name)
}

// privileges returns the owners and the privileges of all objects in the schema public, and of the schema and the database.
func (f *fixture) privileges() string {
	f.t.Helper()
	return f.admin(`SELECT 'relation', relname, relowner::regrole, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT 'routine', proname, proowner::regrole, proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'schema', nspname, nspowner::regrole, nspacl::text FROM pg_namespace WHERE nspname = 'public'
		UNION ALL SELECT 'database', datname, datdba::regrole, datacl::text FROM pg_database
		UNION ALL SELECT 'default', defaclobjtype::text::name, defaclrole::regrole, defaclacl::text FROM pg_default_acl ORDER BY 1, 2`)
}

// TestAdopt_ABarePod adopts the Pod of the lesson, which cannot be changed.
func TestAdopt_ABarePod(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.byHand()
	pod := barePod("by-hand")
	pod.Spec.Containers[0].EnvFrom = append(pod.Spec.Containers[0].EnvFrom, envFrom(firstSecret))
	f.kubectl("delete", application, "--wait")
	f.create(pod)
	f.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/by-hand")
	uid := f.kubectl("get", "pod", "by-hand", "--output=jsonpath={.metadata.uid}")

	f.bind("pod/by-hand", "--adopt")

	assert.Equal(t, uid, f.kubectl("get", "pod", "by-hand", "--output=jsonpath={.metadata.uid}"))
	f.requireHealthy()
}
