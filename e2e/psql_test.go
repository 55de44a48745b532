//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

func TestPsql(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application, "--wait=false")
	role := f.login(firstSecret).Username

	t.Run("on a terminal", func(t *testing.T) { testPsqlOnTerminal(f.in(t), role) })
	t.Run("for scripts", func(t *testing.T) { testPsqlScripts(f.in(t), role) })
	t.Run("as the superuser", func(t *testing.T) {
		f := f.in(t)
		result := f.run(f.Pgbind("psql", "--admin", application, "--", "-At", "-c", "SELECT session_user"))
		assert.Equal(t, "postgres\n", result.Stdout, result.Stderr)
		result = f.run(f.Pgbind("psql", "--admin", "--dbname=template1", "--", "-At", "-c", "SELECT current_database()"))
		assert.Equal(t, "template1\n", result.Stdout, result.Stderr)
	})
	t.Run("leaves nothing in the container", func(t *testing.T) {
		f := f.in(t)
		files, err := f.Kubectl(
			"exec", lesson.DatabasePod, "--", "find", "/root", "/var/lib/postgresql", "/tmp", "-newer",
			"/proc/1/cmdline", "-name", ".*", "-type", "f",
		).Output(f.ctx)
		require.NoError(t, err)
		assert.Empty(t, files)
	})
	t.Run("of several bindings", func(t *testing.T) { testPsqlChoice(f.in(t)) })
	t.Run("says what it is", func(t *testing.T) {
		assert.Contains(t, strings.Join(strings.Fields(f.in(t).run(f.Pgbind("psql", "--help")).Stdout), " "), "not a sandbox")
	})
}

// testPsqlOnTerminal drives a session as a person does: with sizes, Ctrl-C and a history of its own.
func testPsqlOnTerminal(f *fixture, role string) {
	const prompt = "postgres=> "
	session := f.terminal(f.Pgbind("psql", application), 31, 101)
	session.expect(prompt)
	session.send("SELECT session_user;\r")
	session.expect(role)
	session.expect(prompt)
	session.send("\\! stty size\r")
	session.expect("31 101")
	session.expect(prompt)
	session.resize(41, 121)
	session.send("\\! sleep 1; stty size\r")
	session.expect("41 121")
	session.expect(prompt)
	session.send("SELECT pg_sleep(60);\r")
	session.expect("pg_sleep(60);")
	f.waitForQuery("SELECT pg_sleep(60);")
	session.send("\x03")
	session.expect("canceling statement due to user request")
	session.expect(prompt)
	session.send("\x1b[A")
	session.expect("SELECT pg_sleep(60);")
	session.send("\x03")
	session.expect(prompt)
	session.send("\\q\r")
	assert.Zero(f.t, session.end())
	f.requireNoPassword(session.all())
	assert.NotContains(f.t, session.all(), "Password")
}

// testPsqlScripts checks what a script sees: the rows, the errors and the exit code of psql.
func testPsqlScripts(f *fixture, role string) {
	result := f.run(f.Pgbind("psql", application, "--", "-At", "-c", "SELECT session_user, inet_client_addr() IS NOT NULL"))
	assert.Equal(f.t, harness.Result{Stdout: role + "|t\n"}, result, "over the network, and nothing else is written")
	result = f.run(f.Pgbind("psql", "--", "-At", "-v", "ON_ERROR_STOP=1").Stdin("SELECT 42;\nSELECT 1/0;\nSELECT 43;\n"))
	assert.Equal(f.t, "42\n", result.Stdout)
	assert.Equal(f.t, 3, result.Code, "the exit code is that of psql")
	assert.Contains(f.t, result.Stderr, "division by zero")
	assert.NotContains(f.t, result.Stderr, "exit status")
	result = f.run(f.Pgbind("psql", application, "--", "-c", "\\copy company FROM STDIN").Stdin("7\tpgbind\n"))
	assert.Zero(f.t, result.Code, result.Stderr)
	assert.Equal(f.t, "pgbind", f.admin("SELECT name FROM company WHERE id = 7"))
	f.admin("DELETE FROM company WHERE id = 7")
}

// testPsqlChoice requires that nothing is guessed if there is more than one binding.
func testPsqlChoice(f *fixture) {
	f.create(deployment("second", nil))
	f.bind("deployment/second", "--wait=false")
	result := f.run(f.Pgbind("psql"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "kubectl pgbind psql deployment.apps/second --secret "+secretOf("second"))
	assert.Contains(f.t, result.Stderr, "kubectl pgbind psql deployment.apps/"+lesson.Application+" --secret "+firstSecret)
	result = f.run(f.Pgbind("psql", "--secret", secretOf("second"), "--", "-At", "-c", "SELECT session_user"))
	assert.Equal(f.t, f.login(secretOf("second")).Username+"\n", result.Stdout, result.Stderr)
	result = f.run(f.Pgbind("psql", "deployment/second", "--secret", "no-such-secret"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "no-such-secret")
}

// waitForQuery waits until the server runs the statement.
func (f *fixture) waitForQuery(statement string) {
	f.t.Helper()
	for f.admin("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = '"+statement+"'") == "0" {
		require.NoError(f.t, f.ctx.Err())
	}
}

// TestPsql_RefusesADatabaseThatItWouldIgnore: a script must not run in another database than the one that its author named.
func TestPsql_RefusesADatabaseThatItWouldIgnore(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.bind("deployment/web")
	for _, args := range [][]string{{"deployment/web"}, {"deployment/web", "--admin"}, {}} {
		refused := f.run(f.Pgbind(append([]string{"psql", "--dbname=template1"}, args...)...).Stdin("SELECT 'ran'"))
		assert.Equal(t, 2, refused.Code)
		assert.Empty(t, refused.Stdout)
		assert.Contains(t, refused.Stderr, "--dbname needs --admin without a workload")
	}
	admin := f.run(f.Pgbind("psql", "--admin", "--dbname=template1", "--", "-At").Stdin("SELECT current_database()"))
	require.Equal(t, 0, admin.Code, admin.Stderr)
	assert.Equal(t, "template1\n", admin.Stdout)
}
