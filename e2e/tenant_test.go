//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestHostileTenant tries what an application with the widest level, or a user who can create roles, Secrets, workloads or Pods, can do.
// They gain no privilege and no password, and the command names what they prevent.
func TestHostileTenant(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("tenant", "victim", "alone", "late", "later")
	f.bind("deployment/tenant", "--secret=tenants")
	f.bind("deployment/victim", "--secret=victims")
	f.bind("deployment/alone", "--secret=alones", "--isolated", "--force")
	for _, attempt := range []struct {
		name string
		test func(*fixture)
	}{
		{"what only an administrator may do", forbiddenToTenants},
		{"a role of the derived name", precreatedRoles},
		{"triggers, defaults, rules and indexes", plantedCode},
		{"another namespace's marks", marksOfAnotherNamespace},
		{"a held advisory lock", heldAdvisoryLock},
		{"DROP OWNED by another member", droppedByAnotherMember},
		{"a Pod that looks like the database's", podThatLooksLikeTheDatabase},
	} {
		t.Run(attempt.name, func(t *testing.T) { attempt.test(f.in(t)) })
	}
	assert.Equal(
		t,
		"f",
		f.admin(
			"SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication) FROM pg_roles WHERE rolname ~ '^pgb'",
		),
	)
}

// precreatedRoles creates the role of a bind before the bind does, as a user who can create roles and wants to control it.
func precreatedRoles(f *fixture) {
	shown := f.run(f.Pgbind("deployment/late", "--dry-run=client"))
	role := regexp.MustCompile(`pgb_[a-z0-9]{12}_1`).FindString(shown.Stdout)
	require.NotEmpty(f.t, role)
	before := f.written()
	for name, sql := range map[string]string{
		"with a password":        "CREATE ROLE ROLE PASSWORD 'known'",
		"with a login":           "CREATE ROLE ROLE LOGIN",
		"a superuser":            "CREATE ROLE ROLE SUPERUSER",
		"that may make roles":    "CREATE ROLE ROLE CREATEROLE",
		"with a member":          "CREATE ROLE ROLE; GRANT ROLE TO TENANT",
		"that somebody may give": "CREATE ROLE ROLE; GRANT ROLE TO TENANT WITH ADMIN OPTION",
		"a member":               "CREATE ROLE ROLE; GRANT pg_read_all_data TO ROLE",
		"that owns a table":      "CREATE ROLE ROLE; CREATE TABLE owned(); ALTER TABLE owned OWNER TO ROLE",
		"with another's mark":    "CREATE ROLE ROLE; COMMENT ON ROLE ROLE IS 'pgbind/v1 id=other namespace=other uid= run=r'",
	} {
		f.t.Run(name, func(t *testing.T) {
			f := f.in(t)
			f.admin(
				strings.NewReplacer(
					"ROLE ROLE", "ROLE "+role, "TO ROLE", "TO "+role, "GRANT ROLE", "GRANT "+role, "TENANT",
					f.login("tenants").Username,
				).Replace(sql),
			)
			row := "SELECT r.*, shobj_description(oid, 'pg_authid') FROM pg_authid r WHERE rolname = '" + role + "'"
			made := f.admin(row)
			result := f.run(f.Pgbind("deployment/late"))
			assert.Equal(t, 1, result.Code)
			assert.Contains(t, result.Stderr, role)
			assert.Equal(t, made, f.admin(row), "it is left alone")
			f.admin("DROP OWNED BY " + role + "; DROP ROLE " + role)
			assert.Equal(t, before, f.written(), "nothing else is written")
		})
	}
}

// plantedCode has the tenant create everything that runs its code when another role uses it.
func plantedCode(f *fixture) {
	tenant := f.login("tenants").Username
	f.as("tenants", strings.ReplaceAll(`
		CREATE SCHEMA trap;
		CREATE FUNCTION trap.spring() RETURNS int LANGUAGE plpgsql AS $$
		BEGIN
		  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE "TENANT" SUPERUSER'; END IF;
		  RETURN 1;
		END $$;
		CREATE FUNCTION trap.changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN NEW; END $$;
		CREATE FUNCTION trap.constant(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN 1; END $$;
		CREATE TABLE public.bait(id int DEFAULT trap.spring(), n int CHECK (trap.spring() = 1));
		CREATE TRIGGER spring BEFORE INSERT OR UPDATE OR DELETE ON public.bait FOR EACH ROW EXECUTE FUNCTION trap.changed();
		CREATE INDEX ON public.bait (trap.constant(n));
		CREATE VIEW public.seen AS SELECT trap.spring();
		CREATE RULE spring AS ON INSERT TO public.seen DO INSTEAD SELECT trap.spring();
		CREATE MATERIALIZED VIEW public.kept AS SELECT trap.spring() AS n;
		CREATE DOMAIN public.odd AS int CHECK (trap.spring() = VALUE)`, "TENANT", tenant))
	f.bind("deployment/tenant")
	f.bind("deployment/victim", "--secret=victims")
	f.check(0)
	f.bind("rotate", "deployment/tenant")
	f.bind("unbind", "deployment/tenant")
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+tenant+"'"))
	f.bind("deployment/tenant", "--secret=tenants")
	assert.Equal(f.t, "f", f.admin("SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname <> 'postgres'"))
	bait := strings.ReplaceAll(
		"ALTER ROLE TENANT NOSUPERUSER; INSERT INTO public.bait VALUES (1, 1); SELECT rolsuper FROM pg_roles WHERE rolname = 'TENANT'; ALTER ROLE TENANT NOSUPERUSER",
		"TENANT",
		f.login("tenants").Username,
	)
	f.admin(strings.ReplaceAll(`CREATE OR REPLACE FUNCTION trap.spring() RETURNS int LANGUAGE plpgsql AS $$
		BEGIN IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE "TENANT" SUPERUSER'; END IF; RETURN 1; END $$`,
		"TENANT", f.login("tenants").Username))
	assert.Contains(f.t, lines(f.admin(bait)), "t", "the trap works, so that what is above means something")
}

// marksOfAnotherNamespace copies the victim's Secret to a namespace of the attacker, with metadata that names the victim's server.
func marksOfAnotherNamespace(f *fixture) {
	victim, roles := f.secret("victims"), f.roles()
	attacker := newNamespace(f.t)
	forged := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "forged", Labels: victim.Labels, Annotations: map[string]string{}},
		StringData: map[string]string{
			"POSTGRES_HOST":     "h",
			"POSTGRES_USERNAME": string(victim.Data["POSTGRES_USERNAME"]),
			"POSTGRES_PASSWORD": "guessed",
		},
	}
	for key, value := range victim.Annotations {
		forged.Annotations[key] = value
	}
	require.Equal(f.t, f.Name, f.metadata(victim).Spec.PostgresNamespace, "the metadata leads to the victim's server")
	attacker.create(forged)
	attacker.create(small(deployment("victim", nil)))
	attacker.annotate("victim", "binding.pgbind.dev/forged", f.deployment("victim").Annotations["binding.pgbind.dev/victims"])
	for _, args := range [][]string{{"unbind", "deployment/victim"}, {"rotate", "deployment/victim"}, {"rotate", "deployment/victim", "--in-place"}, {"prune", "--yes"}} {
		result := attacker.run(attacker.Pgbind(args...))
		f.t.Log(args, result.Code, result.Stderr)
		assert.False( //nolint:testifylint // NotContains would print it
			f.t, strings.Contains(result.Stdout+result.Stderr, string(victim.Data["POSTGRES_PASSWORD"])),
			"the victim's password is shown",
		)
	}
	assert.Equal(f.t, roles, f.roles(), "the victim's role is as it was")
	assert.Equal(f.t, victim.ResourceVersion, f.secret("victims").ResourceVersion)
	assert.Equal(f.t, "1", f.as("victims", "SELECT 1"))
}

// heldAdvisoryLock has the tenant hold the lock of administrators who are not superusers.
func heldAdvisoryLock(f *fixture) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.UserSQL(f.ctx, f.login("tenants"), "SELECT pg_advisory_lock(hashtextextended('pgbind', 0)); SELECT pg_sleep(600)")
	}()
	f.waitFor("SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted")
	f.bind("deployment/late", "--secret=lates")
	f.bind("unbind", "deployment/late")
	f.admin("CREATE ROLE boss CREATEROLE LOGIN; GRANT CREATE ON DATABASE postgres TO boss")
	result := f.run(f.Pgbind("deployment/late", "--admin-user=boss", "--access=readonly"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "of user "+f.login("tenants").Username, "who holds it is named")
	assert.Empty(f.t, f.references("late"))
	f.admin("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
	<-done
}

// droppedByAnotherMember has the tenant drop what the access role owns and was granted, as every member of a shared role can.
func droppedByAnotherMember(f *fixture) {
	f.as("victims", "CREATE TABLE public.of_victim(id int)")
	f.as("alones", "CREATE TABLE public.of_alone(id int)")
	access := f.as("tenants", "SELECT current_user")
	f.as("tenants", "DROP OWNED BY "+access)
	assert.Equal(f.t, "0", f.as("alones", "SELECT count(*) FROM public.of_alone"), "an isolated binding has lost nothing")
	found := f.check(1, "deployment/victim")
	assert.NotEmpty(f.t, found, "what is missing is named")
	f.bind("deployment/victim", "--secret=victims")
	f.check(0, "deployment/victim")
	f.as("victims", "CREATE TABLE public.of_victim(id int); DROP TABLE public.of_victim")
	_, err := f.UserSQL(f.ctx, f.login("tenants"), "DROP OWNED BY "+f.as("alones", "SELECT current_user"))
	require.ErrorContains(f.t, err, "permission denied")
}

// podThatLooksLikeTheDatabase puts another server behind the database's Service, which accepts every login.
func podThatLooksLikeTheDatabase(f *fixture) {
	impostor := databasePod("impostor", corev1.Container{
		Name: lesson.Container, Image: "postgres:15", ReadinessProbe: ready(intstr.FromInt32(5432)),
		Env: []corev1.EnvVar{{Name: "POSTGRES_HOST_AUTH_METHOD", Value: "trust"}},
	})
	impostor.Labels = f.databaseLabels()
	f.create(impostor)
	f.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/impostor")
	f.eventually("the impostor is an endpoint", func() bool {
		return strings.Contains(f.run(f.Kubectl("get", "endpointslices", "--output=yaml")).Stdout, "name: impostor")
	})
	result := f.run(f.Pgbind("deployment/later", "--postgres=statefulset/"+lesson.Database))
	assert.Contains(
		f.t, result.Stderr, "service/postgresql-svc in namespace "+f.Name+" also leads to",
		"the way past the database is named",
	)
	if result.Code == 0 {
		assert.Equal(
			f.t, "1",
			f.admin("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname = '"+f.login(f.references("later")[0]).Username+"'"),
		)
	} else {
		assert.Empty(f.t, f.references("later"))
	}
	f.kubectl("delete", "pod", "impostor", "--wait=false", "--grace-period=0", "--force")
}

func (f *fixture) databaseLabels() map[string]string {
	f.t.Helper()
	pod, err := f.Client.CoreV1().Pods(f.Name).Get(f.ctx, lesson.DatabasePod, metav1.GetOptions{})
	require.NoError(f.t, err)
	return map[string]string{"app": pod.Labels["app"]}
}

// forbiddenToTenants tries what the widest level must not allow.
func forbiddenToTenants(f *fixture) {
	f.admin("CREATE TABLE IF NOT EXISTS public.of_admin(id int); GRANT SELECT ON public.of_admin TO PUBLIC")
	victim := f.login("victims").Username
	for _, sql := range []string{
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON public.of_admin FOR EACH ROW EXECUTE FUNCTION f()",
		"CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()", "CREATE ROLE made", "ALTER ROLE " + victim + " PASSWORD 'known'", "SET ROLE " + victim,
		"COMMENT ON ROLE " + victim + " IS 'pgbind/v1 id=mine'", "GRANT " + victim + " TO CURRENT_USER", "DROP ROLE " + victim, "COPY public.of_admin TO PROGRAM 'id'",
		"CREATE EXTENSION file_fdw", "ALTER SYSTEM SET log_statement = 'all'", "SELECT rolpassword FROM pg_authid", "LOCK TABLE pg_authid", "SET SESSION AUTHORIZATION postgres",
	} {
		_, err := f.UserSQL(f.ctx, f.login("tenants"), sql)
		assert.Error(f.t, err, sql)
	}
}
