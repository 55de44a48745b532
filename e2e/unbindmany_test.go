//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// TestUnbindMany unbinds several workloads in one run. Each part continues with what the one before left.
func TestUnbindMany(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	for _, name := range []string{"one", "two", "three", "other"} {
		f.idle(name)
		f.bind("deployment/"+name, "--secret="+name)
	}
	f.kubectl("label", "deployment", "one", "two", "three", "team=a")
	for _, part := range []struct {
		name string
		test func(*fixture)
	}{
		{"a dry run names every binding", showsAll},
		{"a selector, and one role that is not ours", unbindsSelected},
		{"all, and a Pod that never ends", unbindsAll},
		{"a session locks a table", namesLock},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(f.in(t)) }) {
			return
		}
	}
}

// boundTo are the workloads that have a binding.
func (f *fixture) boundTo() []string {
	f.t.Helper()
	return lines(f.bind("list", "-o", "jsonpath={range .items[*]}{.spec.workload}{\"\\n\"}{end}").Stdout)
}

func showsAll(f *fixture) {
	before := f.traces()
	result := f.bind("unbind", "--all", "--dry-run=server")
	for _, name := range []string{"one", "two", "three", "other"} {
		assert.Contains(f.t, result.Stdout, "deployment.apps/"+name+" unbound (server dry run)")
		assert.Contains(f.t, result.Stdout, "secret/"+name+" deleted (server dry run)")
	}
	assert.Equal(f.t, before, f.traces())
}

func unbindsSelected(f *fixture) {
	role := f.login("two").Username
	mark := f.admin("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '" + role + "'")
	f.admin("COMMENT ON ROLE " + role + " IS 'mine'")

	result := f.run(f.Pgbind("unbind", "-l", "team=a", "--yes", "--grace=1s"))

	assert.Equal(f.t, 1, result.Code, result.Stderr)
	assert.Contains(f.t, result.Stderr, "error: deployment.apps/two in namespace "+f.Name+": ")
	assert.Contains(f.t, result.Stderr, "does not belong to this binding")
	assert.Contains(f.t, result.Stdout, "deployment.apps/one unbound")
	assert.Contains(f.t, result.Stdout, "deployment.apps/three unbound")
	assert.Equal(f.t, []string{"deployment.apps/other", "deployment.apps/two"}, f.boundTo())
	assert.Equal(f.t, "2", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	f.admin("COMMENT ON ROLE " + role + " IS '" + mark + "'")
}

func unbindsAll(f *fixture) {
	f.create(deployment("stuck", func(spec *corev1.PodSpec) {
		grace := int64(120)
		spec.TerminationGracePeriodSeconds = &grace
		spec.Containers[0].Image = databaseImage
		spec.Containers[0].Command = []string{"sh", "-c", "trap '' TERM INT; while sleep 1; do :; done"}
	}))
	f.bind("deployment/stuck", "--secret=stuck")
	before := f.traces()
	refused := f.run(f.Pgbind("unbind", "--all", "--timeout=45s", "--grace=1s"))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "deployment/stuck ")
	assert.Contains(f.t, refused.Stderr, "error: refusing to unbind without confirmation: pass --yes, or run the command in a terminal")
	assert.Equal(f.t, before, f.traces())

	result := f.run(f.Pgbind("unbind", "--all", "--yes", "--timeout=45s", "--grace=1s"))

	assert.Equal(f.t, 124, result.Code, result.Stderr)
	assert.Contains(
		f.t, result.Stderr,
		"error: deployment.apps/stuck in namespace "+f.Name+": wait for Pods and Jobs with the former credentials to end (pod/stuck-",
	)
	assert.Equal(f.t, []string{"deployment.apps/stuck"}, f.boundTo())
	assert.Equal(
		f.t, "t", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+f.login("stuck").Username+"'"),
		"a Pod still uses the login",
	)

	f.kubectl("delete", "pods", "--selector=app=stuck", "--force", "--grace-period=0")
	f.bind("unbind", "--all", "--yes", "--grace=1s")
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	assert.Contains(f.t, f.bind("unbind", "--all").Stderr, "nothing to unbind")
}

// namesLock holds a lock on a table of the application for longer than lock_timeout.
func namesLock(f *fixture) {
	f.bind("deployment/one", "--secret=one")
	f.bind("deployment/two", "--secret=two")
	role := f.login("one").Username
	f.admin(
		"CREATE SCHEMA locked AUTHORIZATION " + role + "; CREATE TABLE locked.orders(id int); ALTER TABLE locked.orders OWNER TO " + role,
	)
	ended := make(chan error, 1)
	go func() {
		_, err := f.AdminSQL(
			f.ctx,
			"SET application_name TO 'migration'; BEGIN; LOCK TABLE locked.orders IN SHARE MODE; SELECT pg_sleep(180)",
		)
		ended <- err
	}()
	f.waitForSQL("t", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")

	result := f.run(f.Pgbind("unbind", "deployment/one", "deployment/two", "--grace=1s"))

	assert.Equal(f.t, 1, result.Code, result.Stderr)
	assert.Regexp(
		f.t,
		`error: deployment.apps/one in .*55P03.*ALTER TABLE locked.orders OWNER TO pgbind_postgres_\S+ \(waits for process \d+ of user postgres \(migration\), active, in a transaction since `,
		result.Stderr,
	)
	assert.Contains(f.t, result.Stdout, "deployment.apps/two unbound")
	assert.Equal(f.t, "f", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+role+"'"))

	f.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration'")
	require.Error(f.t, <-ended)
	start := time.Now()
	f.bind("unbind", "deployment/one", "--grace=1s")
	assert.Less(f.t, time.Since(start), time.Minute)
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+role+"'"))
}
