//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// migration is what an application does to its own tables with its next version.
const migration = `ALTER TABLE orders ADD COLUMN note text; CREATE INDEX ON orders(note); ALTER TABLE orders DROP COLUMN note;
	CREATE OR REPLACE VIEW open_orders AS SELECT id FROM orders; ALTER TYPE mood RENAME VALUE 'bad' TO 'poor'; ALTER TYPE mood RENAME VALUE 'poor' TO 'bad'; DELETE FROM orders`

// objectsOfAnApplication creates objects of each kind that is handed over, and some that stay.
const objectsOfAnApplication = `CREATE TYPE mood AS ENUM ('good', 'bad');
	CREATE TABLE orders(id serial PRIMARY KEY, mood mood);
	CREATE TABLE parts(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part_of int REFERENCES orders) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
	CREATE VIEW open_orders AS SELECT id FROM orders;
	CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM orders;
	CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
	CREATE PROCEDURE clean() LANGUAGE sql AS 'SELECT 1';
	CREATE DOMAIN price AS numeric;
	CREATE SEQUENCE tickets;
	CREATE FUNCTION runs_as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text';
	CREATE VIEW shadow AS SELECT rolname FROM pg_authid`

// withLogin has the lesson's application log in as a role in variables of its own.
func (f *fixture) withLogin(role string) {
	f.t.Helper()
	f.kubectl(
		"set", "env", application, "POSTGRES_HOST=postgresql-svc."+f.Name+".svc.cluster.local",
		"POSTGRES_USERNAME="+role, "POSTGRES_PASSWORD="+formerPassword,
	)
	f.rollout(application)
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
}

func (f *fixture) former(role string) harness.Login {
	return harness.Login{Host: "postgresql-svc." + f.Name + ".svc.cluster.local", Username: role, Password: formerPassword}
}

func (f *fixture) asFormer(role, sql string) string {
	f.t.Helper()
	rows, err := f.UserSQL(f.ctx, f.former(role), sql)
	require.NoError(f.t, err)
	return rows
}

// schemaWithoutOwners is what pg_dump shows of the schema, without owners and privileges.
func (f *fixture) schemaWithoutOwners() string { return f.schemaOf("postgres") }

func (f *fixture) schemaOf(database string) string {
	f.t.Helper()
	dump := f.kubectl(
		"exec", lesson.DatabasePod, "--", "pg_dump", "--username=postgres", "--schema-only", "--no-owner",
		"--no-privileges", database,
	)
	var kept []string
	for _, line := range lines(dump) {
		if !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// owners returns the owner of each object in the schema public.
func (f *fixture) owners() string {
	f.t.Helper()
	return f.admin(`SELECT 'relation', relname, relowner::regrole FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT 'routine', proname, proowner::regrole FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'type', typname, typowner::regrole FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1, 2`)
}

func TestTakeover(t *testing.T) {
	t.Parallel()
	for _, attribute := range []string{"SUPERUSER", "NOSUPERUSER"} {
		t.Run(attribute, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.WithoutClaim, counting).testTakeover(attribute)
		})
	}
}

func (f *fixture) testTakeover(attribute string) {
	t := f.t
	f.admin("CREATE EXTENSION pg_stat_statements")
	f.admin(
		"CREATE ROLE boss " + attribute + " LOGIN PASSWORD '" + formerPassword + "'; GRANT CREATE ON SCHEMA public TO boss; ALTER TABLE company OWNER TO boss",
	)
	objects := objectsOfAnApplication
	if attribute != "SUPERUSER" {
		objects, _, _ = strings.Cut(objects, ";\n\tCREATE VIEW shadow")
	}
	f.withLogin("boss")
	f.asFormer("boss", objects)
	before, owners, template := f.schemaWithoutOwners(), f.owners(), f.application().Spec.Template

	dry := f.quiet(0, "takeover", application, "--dry-run=server")
	assert.Contains(t, dry.Stdout, "ALTER TABLE public.orders OWNER TO pgbind_postgres_public_all_")
	assert.Contains(t, dry.Stdout, "runs_as_owner")
	assert.Regexp(t, `access level all is needed: role "boss" executed since \S+: CREATE `, dry.Stdout)
	assert.Equal(t, owners, f.owners())
	assert.Empty(t, f.loginRoles())
	assert.Equal(t, template, f.application().Spec.Template)

	restart := f.underLoad(func() {
		for range 2 {
			f.kubectl("rollout", "restart", application)
			f.rollout(application)
		}
	})
	taken := f.underLoad(func() {
		result := f.quiet(0, "takeover", application)
		assert.Contains(t, result.Stderr, "runs_as_owner", "what stays is named")
		assert.NotContains(t, result.Stderr, "tables of others", "the takeover hands them over")
		f.requireTaken(attribute, before)
		f.quiet(0, "takeover", application, "--undo", "--yes", "--grace=1s")
	})
	assert.LessOrEqual(t, len(taken.failed), len(restart.failed), "%v", taken.failed)
	assert.Greater(t, taken.sent, 20, "there was a load")
	assert.Equal(t, before, f.schemaWithoutOwners())
	assert.Equal(t, owners, f.owners())
	f.rollout(application)
	assert.Equal(t, template.Spec.Containers, f.application().Spec.Template.Spec.Containers)
	assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%'`))
	assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_auth_members WHERE member = 'boss'::regrole`))
	f.asFormer("boss", migration)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
}

// requireTaken requires that the application has a login of its own, and that its next migration works.
func (f *fixture) requireTaken(attribute, before string) {
	f.t.Helper()
	login := f.login(firstSecret)
	assert.NotEqual(f.t, "boss", login.Username)
	assert.Equal(f.t, before, f.schemaWithoutOwners())
	for _, table := range []string{"company", "orders", "orders_id_seq", "parts", "parts_1", "open_orders", "totals", "tickets"} {
		assert.Contains(f.t, f.owner(table), "pgbind_postgres_public_all_", table)
	}
	assert.Equal(f.t, "boss", f.admin("SELECT proowner::regrole FROM pg_proc WHERE proname = 'runs_as_owner'"))
	if attribute == "SUPERUSER" {
		assert.Equal(f.t, "boss", f.owner("shadow"))
		_, err := f.UserSQL(f.ctx, login, "SELECT * FROM shadow")
		require.ErrorContains(f.t, err, "permission denied")
	}
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'boss'"))
	assert.Equal(f.t, "0", f.admin(`SELECT count(*) FROM pg_auth_members WHERE member = 'boss'::regrole`))
	assert.Equal(f.t, "t", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'boss'"))
	f.as(firstSecret, migration)
	f.as(firstSecret, "INSERT INTO orders(mood) VALUES ('good'); CREATE TABLE created_later(i int); DROP TABLE created_later")
	again := f.quiet(0, "takeover", application)
	assert.Equal(
		f.t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/postgresql-application unchanged"},
		lines(again.Stdout),
	)
	f.requireHealthy()
}

// idler is a Deployment that keeps a session of the role open.
func (f *fixture) idler(name, role string) *appsv1.Deployment {
	return deployment(name, func(pod *corev1.PodSpec) {
		c := &pod.Containers[0]
		c.Image, c.Command = databaseImage, []string{"sh", "-c", `exec psql "$DATABASE_URL" -c 'SELECT pg_sleep(3600)'`}
		c.Env = []corev1.EnvVar{
			{Name: "DATABASE_URL", Value: "postgresql://" + role + ":" + formerPassword + "@postgresql-svc:5432/postgres"},
		}
		pod.TerminationGracePeriodSeconds = new(int64)
	})
}

func TestTakeover_AsksIfAnotherWorkloadUsesTheLogin(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE shared LOGIN PASSWORD '" + formerPassword + "'; ALTER TABLE company OWNER TO shared")
	f.withLogin("shared")
	f.create(f.idler("idler", "shared"))
	f.rollout("deployment/idler")
	require.Eventually(t, func() bool {
		return f.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shared' AND query LIKE '%pg_sleep%'") != "0"
	}, time.Minute, time.Second)
	roles, owners := f.roles(), f.owners()

	refused := f.quiet(1, "takeover", application)

	assert.Contains(t, refused.Stderr, "pod/idler-")
	assert.Contains(t, refused.Stderr, "--yes")
	assert.Equal(t, roles, f.roles())
	assert.Equal(t, owners, f.owners())
	taken := f.quiet(0, "takeover", application, "--yes")
	assert.Contains(t, taken.Stderr, "REVOKE pgbind_postgres_public_all_")
	assert.NotEqual(t, "0", f.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shared'"), "the other workload is left alone")
	f.asFormer("shared", "SELECT FROM company")
	f.quiet(0, "takeover", application, "--undo", "--yes", "--grace=1s")
	assert.Equal(t, owners, f.owners())
}

// TestTakeover_All moves what an audit finds: two workloads that log in as superusers, but not one that is bound.
func TestTakeover_All(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'")
	f.withLogin("boss")
	f.create(f.idler("idler", "boss"))
	f.rollout("deployment/idler")
	f.idle("bound")
	f.bind("deployment/bound", "--wait=false", "--secret=of-bound")
	superusers := func() (found []string) {
		for _, finding := range f.audit(f.run(f.Pgbind("audit")).Code).Findings {
			if finding.Code == "SuperuserWorkload" {
				found = append(found, finding.Object)
				assert.Contains(t, finding.Fix, "kubectl pgbind takeover "+finding.Object)
			}
		}
		return found
	}
	require.Eventually(t, func() bool { return len(superusers()) == 2 }, time.Minute, time.Second)

	dry := f.quiet(0, "takeover", "--all", "--dry-run=client")
	assert.Contains(t, dry.Stdout+dry.Stderr, "idler")
	assert.Len(t, superusers(), 2)
	assert.Contains(t, f.quiet(1, "takeover", "--all").Stderr, "--yes", "each uses the login of the other")

	taken := f.quiet(0, "takeover", "--all", "--yes")
	assert.Contains(t, taken.Stdout, "deployment.apps/"+lesson.Application+" bound")
	assert.Contains(t, taken.Stdout, "deployment.apps/idler bound")
	assert.NotContains(t, taken.Stdout, "deployment.apps/bound")
	assert.Empty(t, superusers())
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
	assert.Contains(t, f.quiet(0, "takeover", "--all").Stderr, "no workload")

	f.quiet(0, "takeover", application, "deployment/idler", "--undo", "--yes", "--grace=1s")
	require.Eventually(t, func() bool { return len(superusers()) == 2 }, time.Minute, time.Second)
}

// TestWorkloadWithAnOwnerContainer_IsTakenOver takes over the containers of a workload whose init container has a binding of its own.
func TestWorkloadWithAnOwnerContainer_IsTakenOver(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'")
	idler := f.idler("shop", "boss")
	pod := &idler.Spec.Template.Spec
	pod.InitContainers = []corev1.Container{{Name: "migrate", Image: databaseImage, Command: []string{"true"}}}
	f.create(idler)
	f.rollout("deployment/shop")
	f.bind("deployment/shop", "--owner-container=migrate", "--secret=of-owner")
	owner := f.login("of-owner")

	f.quiet(0, "takeover", "deployment/shop", "--secret=of-shop")

	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'boss'"))
	assert.Contains(t, string(f.secret("of-shop").Data["DATABASE_URL"]), "pgb_")
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
	f.quiet(0, "takeover", "deployment/shop", "--undo", "--yes", "--grace=1s")
	assert.Equal(t, []string{"secret/of-owner"}, f.boundSecrets())
	assert.Equal(t, owner, f.login("of-owner"), "the binding of the owner container is unchanged")
	assert.Equal(t, owner.Username, f.as("of-owner", "SELECT session_user"))
}

// TestTakeover_UndoKeepsWhatOthersShare has another application prepare a view that would read passwords as its owner.
func TestTakeover_UndoKeepsWhatOthersShare(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'")
	f.withLogin("boss")
	f.asFormer("boss", "CREATE TABLE orders(id int)")
	f.quiet(0, "takeover", application)
	f.idle("other")
	f.bind("deployment/other", "--wait=false")
	f.as(secretOf("other"), "CREATE VIEW loot AS SELECT rolpassword FROM pg_authid")

	result := f.quiet(0, "takeover", application, "--undo", "--yes", "--grace=1s")
	assert.Contains(t, result.Stderr, f.login(secretOf("other")).Username+" share it")
	for _, relation := range []string{"orders", "loot"} {
		assert.Contains(t, f.owner(relation), "pgbind_postgres_public_all_", relation)
	}
	_, err := f.UserSQL(f.ctx, f.login(secretOf("other")), "SELECT * FROM loot")
	require.ErrorContains(t, err, "permission denied")
	f.rollout(application)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
	assert.Equal(
		t, []string{f.login(secretOf("other")).Username},
		strings.Fields(f.admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgb\\_%'")),
	)
}

func TestTakeover_Refuses(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'another'")
	f.create(small(f.idler("wrong", "boss")))
	f.create(small(deployment("none", nil)))
	f.bind(application)
	roles, owners := f.roles(), f.owners()
	for workload, says := range map[string]string{
		"deployment/wrong": "does not work", "deployment/none": "is not recognized", application: "nothing to take over",
	} {
		assert.Contains(t, f.quiet(1, "takeover", workload).Stderr, says, workload)
	}
	assert.Contains(t, f.quiet(1, "takeover", application, "--undo", "--yes").Stderr, "kubectl pgbind unbind")
	assert.Equal(t, roles, f.roles())
	assert.Equal(t, owners, f.owners())
}

// TestTakeover_ARefusedPatchGivesEverythingBack has an admission that refuses the change of the workload after everything else.
func TestTakeover_ARefusedPatchGivesEverythingBack(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'; ALTER TABLE company OWNER TO boss")
	f.withLogin("boss")
	owners, template := f.owners(), f.application().Spec.Template
	f.deny("apps", "deployments", admissionv1.Update)
	f.waitUntilDenied([]string{"annotate", "deployment", lesson.Application, "--overwrite", "probe="})

	result := f.quiet(1, "takeover", application)

	assert.Contains(t, result.Stderr, denial)
	assert.Equal(t, owners, f.owners())
	assert.Equal(t, template, f.application().Spec.Template)
	assert.Empty(t, f.loginRoles())
	_, err := f.Client.CoreV1().Secrets(f.Name).Get(f.ctx, firstSecret, metav1.GetOptions{})
	require.ErrorContains(t, err, "not found")
}
