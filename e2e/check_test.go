//go:build e2e

package e2e

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// finding is one line of check.
type finding struct{ Reason, Workload, Secret, Role, Message, Fix string }

// TestCheck breaks one thing after the other, requires that check finds it, and runs the fix that check prints.
func TestCheck(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	role := f.login(firstSecret).Username
	before := f.roles()
	f.requireHealthy()
	table := f.run(f.Pgbind("check", application, "--prove"))
	assert.Zero(t, table.Code)
	assert.Equal(t, "1 of 1 bindings OK\n", table.Stderr, "the summary is for people")
	assert.NotContains(t, table.Stdout, "1 of 1")
	assert.Equal(t, before, f.roles(), "it changes nothing")
	logs, err := f.Kubectl("logs", "postgresql-sfs-0").Output(f.ctx)
	require.NoError(t, err)
	assert.Contains(t, logs, "database system is ready")
	assert.NotContains(t, logs, "password authentication failed", "no guess that a server logs or delays")

	for _, test := range []struct {
		name, reason string
		damage       func(f *fixture)
	}{
		{"password", "LoginFailed", func(f *fixture) { f.admin("ALTER ROLE " + role + " PASSWORD 'another'") }},
		{"login", "LoginFailed", func(f *fixture) { f.admin("ALTER ROLE " + role + " NOLOGIN") }},
		{"privilege", "Lacks", func(f *fixture) {
			f.admin("REVOKE UPDATE ON company FROM " + f.accessRole(firstSecret))
		}},
		{"trigger", "Exceeds", func(f *fixture) { f.admin("GRANT TRIGGER ON company TO " + role) }},
		{"membership", "Exceeds", func(f *fixture) { f.admin("GRANT pg_monitor TO " + role) }},
		{"setting", "Mismatch", func(f *fixture) { f.admin("ALTER ROLE " + role + " IN DATABASE postgres RESET role") }},
		{"reference", "Unreferenced", func(f *fixture) {
			f.kubectl("patch", application, "--type=json", "--patch", `[{"op":"remove","path":"/spec/template/spec/containers/0/envFrom"}]`)
		}},
		{"rotation", "StalePods", func(f *fixture) {
			later := metav1.NewTime(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
			f.forge(firstSecret, func(m *metadata) { m.Status.Rotated = &later })
			f.t.Cleanup(func() { f.forge(firstSecret, func(m *metadata) { m.Status.Rotated = nil }) })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.rollout(application)
			test.damage(f)
			found := f.check(1)
			require.Equal(t, test.reason, found[0].Reason, "%+v", found)
			assert.Equal(t, found[0], f.check(1, application)[0], "the same for one workload")
			if test.reason != "StalePods" { // the limit is not over yet
				f.obey(found[0].Fix)
				f.requireHealthy()
			}
		})
	}
	t.Run("report", func(t *testing.T) {
		f := f.in(t)
		f.testCheckReport()
	})
	t.Run("Secret", func(t *testing.T) {
		f := f.in(t)
		f.kubectl("delete", "secret", firstSecret)
		found := f.check(1)
		require.Equal(t, "NoSecret", found[0].Reason)
		f.obey(found[0].Fix)
		assert.Equal(t, []string{"OK"}, reasons(f.check(0, application)))
		assert.Equal(t, []string{"Leftover", "OK"}, reasons(f.check(1)), "Pods may still use the former role")
	})
}

// TestCheck_RolloutThatHasNotEnded requires that check names what keeps the Pods from the new login, and no restart, which would change nothing.
func TestCheck_RolloutThatHasNotEnded(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for _, name := range []string{"broken", "paused"} {
		f.create(deployment(name, nil))
		f.rollout("deployment/" + name)
		f.kubectl("rollout", "pause", "deployment/"+name)
		f.bind("deployment/"+name, "--wait=false")
	}
	f.kubectl("set", "image", "deployment/broken", "*=no-such-image.invalid/app:1")
	f.kubectl("rollout", "resume", "deployment/broken")
	found := f.check(1)
	require.Equal(t, []string{"StalePods", "StalePods"}, reasons(found))
	assert.Equal(t, "kubectl rollout status deployment.apps/broken -n "+f.Name, found[0].Fix)
	assert.Empty(t, found[1].Fix)
	assert.Contains(t, found[1].Message, "kubectl rollout resume deployment.apps/paused --namespace "+f.Name)
	f.kubectl("rollout", "resume", "deployment/paused")
	f.rollout("deployment/paused")
	f.kubectl("set", "image", "deployment/broken", "*=pgbind-app:dev")
	f.rollout("deployment/broken")
	assert.Equal(t, []string{"OK", "OK"}, reasons(f.check(0)))
}

// testCheckReport requires that the formats agree about a fault, and that the page explains it.
func (f *fixture) testCheckReport() {
	f.t.Helper()
	f.admin("ALTER ROLE " + f.login(firstSecret).Username + " NOLOGIN")
	wide := f.run(f.Pgbind("check", "-o", "wide"))
	assert.Equal(f.t, 1, wide.Code)
	assert.Equal(f.t, "0 of 1 bindings OK; findings: 1 LoginFailed\n", wide.Stderr)
	page := regexp.MustCompile(`docs/findings\.md#([a-z-]+)`).FindStringSubmatch(wide.Stdout)
	require.Len(f.t, page, 2, wide.Stdout)
	text, err := os.ReadFile(filepath.Join("..", "docs", "findings.md"))
	require.NoError(f.t, err)
	assert.Contains(f.t, strings.ReplaceAll(strings.ToLower(string(text)), " ", "-"), "\n###-"+page[1]+"\n")

	junit := f.run(f.Pgbind("check", "-o", "junit"))
	assert.Equal(f.t, 1, junit.Code)
	var report struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Failure string `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(f.t, xml.Unmarshal([]byte(junit.Stdout), &report), junit.Stdout)
	require.Len(f.t, report.Suites, 1)
	suite := report.Suites[0]
	assert.Equal(f.t, []any{f.Name, 1, 1}, []any{suite.Name, suite.Tests, suite.Failures})
	found := f.check(1)
	require.Len(f.t, found, 1)
	for _, words := range []string{found[0].Message, found[0].Fix, page[0]} {
		assert.Contains(f.t, suite.Cases[0].Failure, words)
	}
	f.obey(found[0].Fix)
	f.requireHealthy()
}

// TestOrphans distinguishes orphans from what cannot be read, and prunes only orphans.
func TestOrphans(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for _, name := range []string{"web", "gone", "lost"} {
		f.create(deployment(name, nil))
		f.bind("deployment/"+name, "--wait=false")
	}
	webSecret, goneSecret, lostSecret := firstSecret, secretOf("gone"), secretOf("lost")
	gone, lost := f.login(goneSecret).Username, f.login(lostSecret).Username
	f.as(goneSecret, "CREATE TABLE of_gone(id int)")
	f.kubectl("delete", "deployment", "gone", "lost")
	f.kubectl("delete", "secret", lostSecret)
	f.admin(
		"CREATE ROLE of_other LOGIN; COMMENT ON ROLE of_other IS 'pgbind/v1 id=abc namespace=" + f.Name + " uid=of-another-cluster run=x'",
	)
	f.admin("CREATE ROLE of_nobody LOGIN; COMMENT ON ROLE of_nobody IS 'pgbind/v1 id=abc namespace=" + f.Name + " uid= run=x'")

	found := f.check(1)
	assert.Equal(t, []string{"OrphanedSecret", "OrphanedRole", "Unknown", "Unknown", "OK"}, reasons(found))
	assert.Equal(t, []string{gone, lost}, []string{found[0].Role, found[1].Role})

	t.Run("without permission to list Secrets nothing is an orphan", func(t *testing.T) {
		f := f.in(t)
		kubeconfig, err := f.Identity(
			f.ctx,
			"checker",
			t.TempDir(),
			append(right("list secrets").without(documentedRules(f.t)), rbacv1.PolicyRule{
				APIGroups: []string{
					"", "apps", "batch",
				},
				Resources: []string{
					"pods", "replicationcontrollers", "deployments", "statefulsets", "daemonsets", "replicasets",
					"cronjobs",
				},
				Verbs: []string{"list"},
			}),
		)
		require.NoError(t, err)
		result := f.run(f.Pgbind("check").As(kubeconfig))
		assert.Equal(t, 1, result.Code)
		assert.NotContains(t, result.Stdout, "Orphaned")
		assert.Contains(t, result.Stdout, "Unknown")
	})
	t.Run("prune", func(t *testing.T) {
		f := f.in(t)
		roles := f.roles()
		refused := f.run(f.Pgbind("prune"))
		assert.Equal(t, 1, refused.Code)
		assert.Contains(t, refused.Stderr, gone, "shown first")
		assert.Contains(t, refused.Stderr, "--yes")
		assert.Contains(t, f.run(f.Pgbind("prune", "--dry-run=client")).Stdout, lost)
		asked := f.terminal(f.Pgbind("prune"), 40, 250)
		asked.expect("(y/n): ")
		asked.send("n\r")
		assert.Equal(t, 1, asked.end())
		assert.Equal(t, roles, f.roles())

		asked = f.terminal(f.Pgbind("prune", "--grace=0s"), 40, 250)
		asked.expect("(y/n): ")
		asked.send("y\r")
		assert.Zero(t, asked.end(), asked.all())
		assert.Equal(t, []string{"Unknown", "Unknown", "OK"}, reasons(f.check(1)))
		assert.Equal(t, "1", f.admin("SELECT count(*) FROM pg_tables WHERE tablename = 'of_gone'"), "no table is lost")
		assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname IN ('"+gone+"', '"+lost+"')"))
	})
	t.Run("expired", func(t *testing.T) {
		f := f.in(t)
		role := f.login(webSecret).Username
		f.admin("ALTER ROLE " + role + " VALID UNTIL '2020-01-01T00:00:00Z'")
		assert.Equal(t, "Expired", f.check(1)[0].Reason)
		result := f.run(f.Pgbind("prune", "--yes", "--grace=0s"))
		require.Zero(t, result.Code, result.Stderr)
		assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+role+"'"))
		references, err := f.Kubectl(
			"get", "deployment", "web", "--output=jsonpath={.spec.template.spec.containers[0].envFrom}",
		).Output(f.ctx)
		require.NoError(t, err)
		assert.Empty(t, references)
		assert.Contains(t, f.run(f.Pgbind("prune", "--yes")).Stderr, "nothing to prune")
	})
}

// check runs check, which must end with that code, and returns its findings.
func (f *fixture) check(code int, args ...string) []finding {
	f.t.Helper()
	result := f.run(f.Pgbind(append([]string{"check", "-o", "json"}, args...)...))
	require.Equal(f.t, code, result.Code, result.Stdout+result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
	var list struct{ Items []finding }
	require.NoError(f.t, json.Unmarshal([]byte(result.Stdout), &list))
	require.NotEmpty(f.t, list.Items)
	return list.Items
}

func (f *fixture) requireHealthy() {
	f.t.Helper()
	require.Equal(f.t, []string{"OK"}, reasons(f.check(0)))
}

func reasons(found []finding) []string {
	var list []string
	for _, one := range found {
		list = append(list, one.Reason)
	}
	return list
}

// obey runs the command that check prints, in a shell.
func (f *fixture) obey(fix string) {
	f.t.Helper()
	kubectl := f.Kubectl().Cmd(f.ctx)
	cmd := exec.CommandContext( //nolint:gosec // what the plugin tells its user to run
		f.ctx, "sh", "-c", `kubectl() { "$KUBECTL" "$@"; }; `+fix,
	)
	cmd.Env = slices.Concat(kubectl.Env, []string{"KUBECTL=" + kubectl.Path})
	output, err := cmd.CombinedOutput()
	require.NoError(f.t, err, "%s: %s", fix, output)
}

// kubectl runs kubectl, which must succeed, and returns what it printed.
func (f *fixture) kubectl(args ...string) string {
	f.t.Helper()
	output, err := f.Kubectl(args...).Output(f.ctx)
	require.NoError(f.t, err)
	return output
}
