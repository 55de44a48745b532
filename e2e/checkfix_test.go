//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestFix_MorningAfterARestore drops all roles, as a database does that is restored without them.
func TestFix_MorningAfterARestore(t *testing.T) {
	t.Parallel()
	const number = 100
	f := newLesson(t, harness.WithoutClaim)
	specs := append(f.manyLabelled(number-1), "workload: "+application)
	f.apply(f.bindings(t.TempDir(), specs...))
	f.rollout(application)
	secrets, pods, generations := f.secretValues(), f.podUIDs(), f.generations()
	require.Len(t, secrets, number)
	require.NotEmpty(t, pods)
	var logins []harness.Login
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		logins = append(logins, f.login(name))
	}

	f.dropRoles()
	accepted, err := f.LogsIn(f.ctx, logins)
	require.NoError(t, err)
	require.Empty(t, accepted)
	found := f.check(1)
	assert.Equal(t, slices.Repeat([]string{"NoRole"}, number), reasons(found))

	plan := f.run(f.Pgbind("check", "--fix", "--dry-run=client"))
	assert.Equal(t, 1, plan.Code, plan.Stderr)
	assert.Contains(t, plan.Stdout, fmt.Sprintf("Fixes: %d to bind again", number))
	assert.Contains(t, plan.Stdout, "and 60 more")
	assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%'`), "a dry run creates no role")

	proxy := f.proxy()
	fixed := f.run(f.Pgbind("check", "--fix", "--yes").As(proxy.Kubeconfig))
	require.Zero(t, fixed.Code, "stdout: %s\nstderr: %s", fixed.Stdout, fixed.Stderr)
	f.requireNoPassword(fixed.Stdout + fixed.Stderr)
	execs := 0
	for _, request := range proxy.Requests() {
		if strings.Contains(request, "/exec") {
			execs++
		}
	}
	assert.LessOrEqual(t, execs, 8, "the roles of one server are created together")

	assert.Equal(t, secrets, f.secretValues(), "passwords stay")
	assert.Equal(t, pods, f.podUIDs(), "no Pod is replaced")
	assert.Equal(t, generations, f.generations(), "no Deployment changes")
	accepted, err = f.LogsIn(f.ctx, logins)
	require.NoError(t, err)
	assert.Len(t, accepted, number)
	assert.Equal(
		t, lines(f.admin("SELECT count(*) FROM company")),
		lines(f.as(slices.Min(slices.Collect(maps.Keys(secrets))), "SELECT count(*) FROM company")),
	)
	f.check(0)
}

// TestFix_FixesEachKind breaks one thing after the other without the plugin. Each fix is shown by SQL or by kubectl, and by the login.
func TestFix_FixesEachKind(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	role := func(f *fixture) string { return f.login(firstSecret).Username }
	access := func(f *fixture) string { return f.accessRole(firstSecret) }
	var pods []string
	for _, test := range []struct {
		name, reason string
		damage       func(f *fixture)
		fixed        func(f *fixture)
	}{
		{"role", "NoRole", func(f *fixture) { f.dropRoles() }, nil},
		{"password", "LoginFailed", func(f *fixture) { f.admin("ALTER ROLE " + role(f) + " PASSWORD 'another'") }, nil},
		{"login", "LoginFailed", func(f *fixture) { f.admin("ALTER ROLE " + role(f) + " NOLOGIN") }, nil},
		{"privilege", "Lacks", func(f *fixture) { f.admin("REVOKE SELECT ON company FROM " + access(f)) }, nil},
		{"membership", "Lacks", func(f *fixture) { f.admin("REVOKE " + access(f) + " FROM " + role(f)) }, nil},
		{"setting", "Mismatch", func(f *fixture) { f.admin("ALTER ROLE " + role(f) + " IN DATABASE postgres RESET role") }, nil},
		{"reference", "Unreferenced", func(f *fixture) {
			f.kubectl("patch", application, "--type=json", "--patch", `[{"op":"remove","path":"/spec/template/spec/containers/0/envFrom"}]`)
		}, func(f *fixture) {
			assert.Contains(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom, envFrom(firstSecret))
		}},
		{"Pods", "StalePods", func(f *fixture) {
			f.rollout(application)
			time.Sleep(2 * time.Second) // times have whole seconds
			now := metav1.Now()
			f.forge(firstSecret, func(m *metadata) { m.Status.Rotated = &now })
			pods = f.podUIDs()
		}, func(f *fixture) {
			f.rollout(application)
			for _, uid := range f.podUIDs() {
				assert.NotContains(f.t, pods, uid)
			}
		}},
		{"key", "BadSecret", func(f *fixture) {
			f.kubectl("patch", "secret", firstSecret, "--type=json", "--patch", `[{"op":"remove","path":"/data/POSTGRES_USERNAME"}]`)
		}, nil},
		{"Secret", "NoSecret", func(f *fixture) { f.kubectl("delete", "secret", firstSecret) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.rollout(application)
			test.damage(f)
			require.Contains(t, reasons(f.check(1)), test.reason)
			f.fix()
			if test.fixed != nil {
				test.fixed(f)
			}
			assert.Equal(t, f.admin("SELECT count(*) FROM company"), f.as(firstSecret, "SELECT count(*) FROM company"))
			assert.Equal(
				t, "1", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%' AND rolcanlogin`),
				"no role is left over",
			)
			f.requireHealthy()
		})
	}
}

// TestFix_FixesWhatABindingRequested breaks what bindings of workloads without Pods have requested.
func TestFix_FixesWhatABindingRequested(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for name, test := range map[string]struct {
		flags  []string
		reason string
		damage func(f *fixture, role string)
		want   string // of SQL
		sql    func(role string) string
	}{
		"limit": {[]string{"--connection-limit=3"}, "Mismatch", func(f *fixture, role string) { f.admin("ALTER ROLE " + role + " CONNECTION LIMIT 1") },
			"3", func(role string) string { return "SELECT rolconnlimit FROM pg_roles WHERE rolname = '" + role + "'" }},
		"expiry": {[]string{"--expires=1h"}, "Mismatch", func(f *fixture, role string) { f.admin("ALTER ROLE " + role + " VALID UNTIL 'infinity'") },
			"t", func(role string) string {
				return "SELECT rolvaliduntil BETWEEN now() AND now() + interval '1 hour' FROM pg_roles WHERE rolname = '" + role + "'"
			}},
		"lost-expiry": {[]string{"--expires=1h"}, "NoRole", func(f *fixture, role string) { f.admin("DROP OWNED BY " + role + "; DROP ROLE " + role) },
			"t", func(role string) string {
				return "SELECT rolvaliduntil BETWEEN now() AND now() + interval '1 hour' FROM pg_roles WHERE rolname = '" + role + "'"
			}},
		"extension": {[]string{"--extension=citext"}, "NoExtension", func(f *fixture, _ string) { f.admin("DROP EXTENSION citext") },
			"1", func(string) string { return "SELECT count(*) FROM pg_extension WHERE extname = 'citext'" }},
		"database": {[]string{"--dbname=shop", "--create-database"}, "NoDatabase", func(f *fixture, _ string) { f.admin("DROP DATABASE shop WITH (FORCE)") },
			"1", func(string) string { return "SELECT count(*) FROM pg_database WHERE datname = 'shop'" }},
	} {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			f.labelled(name)
			f.bind(append([]string{"deployment/" + name, "--secret=" + name, "--wait=false"}, test.flags...)...)
			before := f.login(name)
			test.damage(f, before.Username)
			require.Contains(t, reasons(f.check(1, "deployment/"+name)), test.reason)
			f.fix("deployment/" + name)
			assert.Equal(t, test.want, f.admin(test.sql(before.Username)))
			assert.Equal(t, digest([]byte(before.Password)), digest([]byte(f.login(name).Password)))
			assert.Equal(t, []string{"OK"}, reasons(f.check(0, "deployment/"+name)))
		})
	}
}

// TestFix_RemovesWhatPruneRemoves fixes an expired binding, a Secret without its workload, and a role without both.
func TestFix_RemovesWhatPruneRemoves(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for _, name := range []string{"stays", "expired", "gone", "lost"} {
		f.labelled(name)
		f.bind("deployment/"+name, "--secret="+name, "--wait=false")
	}
	f.admin("ALTER ROLE " + f.login("expired").Username + " VALID UNTIL '2001-01-01'")
	f.kubectl("delete", "deployment", "gone", "lost")
	f.kubectl("delete", "secret", "lost")
	assert.Equal(t, []string{"Expired", "OrphanedSecret", "OrphanedRole", "OK"}, reasons(f.check(1)))

	f.fix("--grace=0s")
	assert.Equal(t, []string{"stays"}, slices.Collect(maps.Keys(f.secretValues())))
	assert.Equal(t, f.login("stays").Username, f.admin(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgb\_%' AND rolcanlogin`))
	assert.NotContains(t, f.kubectl("get", "deployment", "expired", "-o", "yaml"), "pgbind.dev/")
	assert.Equal(t, "1", f.as("stays", "SELECT 1"))
}

// TestFix_LeavesDecisions leaves SQL, variables of the application, and a Secret that asks for more than its role has.
func TestFix_LeavesDecisions(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.labelled("web")
	f.bind("deployment/web", "--secret=web", "--access=readonly", "--wait=false")
	role := f.login("web").Username
	for _, test := range []struct {
		name, reason, left string
		damage, repair     func(f *fixture)
	}{
		{"grant", "Exceeds", "kubectl pgbind psql --admin", func(f *fixture) { f.admin("GRANT TRIGGER ON company TO " + role) },
			func(f *fixture) { f.admin("REVOKE TRIGGER ON company FROM " + role) }},
		{"variable", "Hidden", "kubectl set env deployment.apps/web", func(f *fixture) { f.kubectl("set", "env", "deployment/web", "POSTGRES_HOST=elsewhere") },
			func(f *fixture) { f.kubectl("set", "env", "deployment/web", "POSTGRES_HOST-") }},
		{"forged access", "Lacks", "--access readwrite", func(f *fixture) {
			f.forge("web", func(m *metadata) { m.Spec.Access = "readwrite" })
			f.admin("ALTER ROLE " + role + " PASSWORD 'broken as well'")
		}, func(f *fixture) {
			f.forge("web", func(m *metadata) { m.Spec.Access = "readonly" })
			f.fix()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			test.damage(f)
			roles, secrets, generations := f.roles(), f.secretValues(), f.generations()
			result := f.run(f.Pgbind("check", "--fix", "--yes"))
			assert.Equal(t, 1, result.Code, result.Stderr)
			assert.Contains(t, result.Stdout, test.reason)
			assert.Contains(t, result.Stdout, test.left)
			assert.Equal(t, roles, f.roles())
			assert.Equal(t, secrets, f.secretValues())
			assert.Equal(t, generations, f.generations())

			objects := f.run(f.Pgbind("check", "--fix", "--yes", "-o", "json"))
			assert.Equal(t, 1, objects.Code)
			var list struct {
				Items []struct{ Reason, Action, Fix string }
			}
			require.NoError(t, json.Unmarshal([]byte(objects.Stdout), &list))
			require.NotEmpty(t, list.Items)
			for _, item := range list.Items {
				assert.Empty(t, item.Action, item.Reason)
			}
			test.repair(f)
			assert.Equal(t, []string{"OK"}, reasons(f.check(0)))
		})
	}
}

// TestFix_AsksFirst changes nothing in a dry run, without --yes outside a terminal, or if the user declines.
func TestFix_AsksFirst(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.labelled("web")
	f.bind("deployment/web", "--secret=web", "--wait=false")
	assert.Zero(t, f.run(f.Pgbind("check", "--fix")).Code, "nothing to fix, nothing to ask")
	role := f.login("web").Username
	f.dropRoles()
	f.kubectl("patch", "deployment", "web", "--type=json", "--patch", `[{"op":"remove","path":"/spec/template/spec/containers/0/envFrom"}]`)
	roles, secrets, generations := f.roles(), f.secretValues(), f.generations()

	for _, dry := range []string{"client", "server"} {
		result := f.run(f.Pgbind("check", "--fix", "--dry-run="+dry))
		assert.Equal(t, 1, result.Code, result.Stderr)
		assert.Contains(t, result.Stdout, "bind again")
		assert.Contains(t, result.Stdout, "all on database postgres of pod/postgresql-sfs-0 in namespace "+f.Name)
	}
	refused := f.run(f.Pgbind("check", "--fix"))
	assert.Equal(t, 2, refused.Code)
	assert.Contains(t, refused.Stderr, role, "the plan comes first")
	assert.Contains(t, refused.Stderr, "--yes")
	asked := f.terminal(f.Pgbind("check", "--fix"), 40, 250)
	asked.expect("(y/n): ")
	asked.send("n\r")
	assert.Equal(t, 2, asked.end())
	assert.Equal(t, roles, f.roles())
	assert.Equal(t, secrets, f.secretValues())
	assert.Equal(t, generations, f.generations())

	asked = f.terminal(f.Pgbind("check", "--fix"), 40, 250)
	asked.expect("(y/n): ")
	asked.send("y\r")
	assert.Zero(t, asked.end(), asked.all())
	assert.Equal(t, "1", f.as("web", "SELECT 1"))
}

// fix runs check --fix, which must fix everything.
func (f *fixture) fix(args ...string) {
	f.t.Helper()
	result := f.run(f.Pgbind(append([]string{"check", "--fix", "--yes"}, args...)...))
	require.Zero(f.t, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
}

// dropRoles drops all roles of bindings, as a superuser.
func (f *fixture) dropRoles() {
	f.t.Helper()
	f.admin(`DO $$ DECLARE r text; BEGIN
		FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgb\_%' OR rolname LIKE 'pgbind\_%' LOOP
			PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = r;
			EXECUTE format('DROP OWNED BY %I CASCADE', r);
			EXECUTE format('DROP ROLE %I', r);
		END LOOP;
	END $$`)
	require.Equal(f.t, "0", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb%'`))
}

// secretValues returns digests of the values of the Secrets of all bindings.
func (f *fixture) secretValues() map[string]map[string]string {
	f.t.Helper()
	list, err := f.Client.CoreV1().Secrets(f.Name).List(
		f.ctx,
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-pgbind"},
	)
	require.NoError(f.t, err)
	found := map[string]map[string]string{}
	for _, secret := range list.Items {
		found[secret.Name] = digests(secret.Data)
	}
	return found
}

// podUIDs returns the UIDs of the Pods of the lesson's application that are not being deleted.
func (f *fixture) podUIDs() []string {
	f.t.Helper()
	list, err := f.Client.CoreV1().Pods(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	var uids []string
	for _, pod := range list.Items {
		if strings.HasPrefix(pod.Name, lesson.Application+"-") && pod.DeletionTimestamp == nil {
			uids = append(uids, string(pod.UID))
		}
	}
	slices.Sort(uids)
	return uids
}

// generations returns how often the spec of each Deployment has changed.
func (f *fixture) generations() map[string]int64 {
	f.t.Helper()
	list, err := f.Client.AppsV1().Deployments(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	found := map[string]int64{}
	for _, d := range list.Items {
		found[d.Name] = d.Generation
	}
	return found
}
