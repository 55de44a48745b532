//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// preparing makes the lesson's server allow prepared transactions.
func preparing(object *unstructured.Unstructured) error {
	return harness.ChangeServer(object, func(server map[string]any) { server["args"] = []any{"-c", "max_prepared_transactions=5"} })
}

// TestUnbind binds and unbinds one Deployment. Each part continues with the state of the part before.
func TestUnbind(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, preparing)
	for _, part := range []struct {
		name string
		test func(*fixture)
	}{
		{"nothing is bound", unbindsNothing},
		{"a dry run changes nothing", showsUnbind},
		{"another workload uses the Secret", refusesUsedSecret},
		{"a prepared transaction holds the role", locksOutPrepared},
		{"the role's mark is another's", refusesForeignMark},
		{"nothing of the workload's data is lost", keepsData},
		{"a session is in a transaction", endsTransaction},
		{"the run is killed after each step", survivesKills},
		{"the workload was deleted first", unbindsDeleted},
		{"the role is kept, and binding takes it back", keepsRole},
		{"the access role is purged", purgesAccess},
		{"the database is gone", abandons},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(f.in(t)) }) {
			return
		}
	}
}

func unbindsNothing(f *fixture) {
	result := f.bind("unbind", application)
	assert.Equal(f.t, []string{"deployment.apps/postgresql-application unchanged"}, lines(result.Stdout))
	assert.Contains(f.t, result.Stderr, "nothing is bound")
	result = f.bind("unbind", "deployment/missing")
	assert.Equal(f.t, []string{"deployment.apps/missing unchanged"}, lines(result.Stdout))
}

func showsUnbind(f *fixture) {
	f.bind(application)
	f.admin("CREATE TABLE of_admin(id int); GRANT SELECT ON of_admin TO " + f.login(firstSecret).Username)
	before := f.traces()
	for _, strategy := range []string{"client", "server"} {
		result := f.bind("unbind", application, "--dry-run="+strategy)
		assert.Contains(f.t, result.Stdout, "secret/"+firstSecret+" deleted")
		assert.Contains(f.t, result.Stdout, "dry run)")
		assert.Contains(f.t, result.Stderr, "privileges on table public.of_admin", "the grant that somebody made goes with the role")
		assert.Equal(f.t, before, f.traces())
	}
}

// refuses runs an unbind that must fail with that message before anything is changed.
func (f *fixture) refuses(words ...string) {
	f.t.Helper()
	before := f.traces()
	result := f.run(f.Pgbind("unbind", application, "--grace=1s"))
	assert.Equal(f.t, 1, result.Code, result.Stdout)
	for _, word := range words {
		assert.Contains(f.t, result.Stderr, word)
	}
	assert.Equal(f.t, before, f.traces())
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
}

func refusesUsedSecret(f *fixture) {
	other := deployment("other", nil)
	other.Spec.Replicas = new(int32)
	other.Spec.Template.Spec.Containers[0].EnvFrom = append(other.Spec.Template.Spec.Containers[0].EnvFrom, envFrom(firstSecret))
	f.create(other)
	f.refuses("deployment.apps/other", "--force")
	f.delete("deployment", "other")
}

func locksOutPrepared(f *fixture) {
	role := f.login(firstSecret).Username
	f.admin("CREATE TABLE held(id int); GRANT INSERT ON held TO " + role)
	f.as(firstSecret, "SET role none; BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'order-17'")
	result := f.run(f.Pgbind("unbind", application, "--grace=1s"))
	assert.Equal(f.t, 1, result.Code, result.Stdout)
	for _, word := range []string{`"order-17"`, "ROLLBACK PREPARED", `"postgres"`} {
		assert.Contains(f.t, result.Stderr, word)
	}
	assert.Equal(f.t, "f", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+role+"'"))
	f.admin("ROLLBACK PREPARED 'order-17'")
	f.bind("unbind", application)
	f.assertUnbound()
	f.bind(application)
	f.admin("GRANT SELECT ON of_admin TO " + f.login(firstSecret).Username)
}

func refusesForeignMark(f *fixture) {
	role := f.login(firstSecret).Username
	mark := f.admin("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '" + role + "'")
	f.admin("COMMENT ON ROLE " + role + " IS '" + strings.Replace(mark, "namespace="+f.Name, "namespace=other", 1) + "'")
	f.refuses(role, "does not belong to this binding")
	f.admin("COMMENT ON ROLE " + role + " IS '" + mark + "'; ALTER ROLE " + role + " CREATEDB")
	f.refuses(role, "attributes")
	f.admin("ALTER ROLE " + role + " NOCREATEDB")
}

func keepsData(f *fixture) {
	role := f.login(firstSecret).Username
	f.as(firstSecret, "CREATE TABLE shared(name text); INSERT INTO shared VALUES ('kept')")
	f.admin("CREATE DATABASE other; GRANT CREATE ON DATABASE other, postgres TO " + role)
	f.as(
		firstSecret,
		"SET role none; CREATE SCHEMA own; CREATE TABLE own.orders(id serial); INSERT INTO own.orders DEFAULT VALUES; SELECT lo_create(4711)",
	)
	f.as(firstSecret, `\connect other
		CREATE SCHEMA own; CREATE TABLE own.orders(id serial); INSERT INTO own.orders DEFAULT VALUES`)

	result := f.bind("unbind", application)

	assert.Equal(
		f.t,
		[]string{"role/" + role + " dropped", "secret/" + firstSecret + " deleted", "deployment.apps/postgresql-application unbound"},
		lines(result.Stdout),
	)
	for _, words := range []string{"in database postgres", "in database other", "table own.orders", "sequence own.orders_id_seq", "large object 4711", "privileges on table public.of_admin"} {
		assert.Contains(f.t, result.Stderr, words)
	}
	f.assertUnbound()
	assert.Equal(f.t, "1", f.admin("SELECT count(*) FROM own.orders"))
	assert.Equal(f.t, "1", f.admin("\\connect other\nSELECT count(*) FROM own.orders"))

	f.bind(application)
	assert.Equal(f.t, "kept", f.as(firstSecret, "SELECT name FROM shared"))
	f.as(firstSecret, "INSERT INTO own.orders DEFAULT VALUES; ALTER TABLE own.orders ADD note text; DROP TABLE shared")
}

func endsTransaction(f *fixture) {
	login := f.login(firstSecret)
	ended := make(chan error, 1)
	go func() {
		_, err := f.UserSQL(f.ctx, login, "BEGIN; INSERT INTO own.orders DEFAULT VALUES; SELECT pg_sleep(100)")
		ended <- err
	}()
	f.waitForSQL("t", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")

	result := f.bind("unbind", application, "--grace=5s")

	assert.Contains(f.t, result.Stderr, " for 1 session of role")
	require.ErrorContains(f.t, <-ended, "terminating connection")
	f.assertUnbound()
}

// survivesKills kills a run before and after each step, at its last message. The next run completes it.
func survivesKills(f *fixture) {
	for _, said := range []string{"removed from", "successfully rolled out", "REASSIGN OWNED", "DROP ROLE"} {
		f.bind(application)
		f.killedAt(said, "unbind", application, "--grace=0s", "-v=1")
		result := f.bind("unbind", application, "--grace=0s")
		assert.NotContains(f.t, result.Stdout, "unchanged", said)
		f.assertUnbound()
	}
}

func unbindsDeleted(f *fixture) {
	f.create(deployment("short", nil))
	f.bind("deployment/short")
	f.delete("deployment", "short")

	result := f.bind("unbind", "deployment/short")

	assert.Contains(f.t, result.Stdout, "deployment.apps/short unbound")
	f.assertUnbound()
}

func keepsRole(f *fixture) {
	f.bind(application)
	login := f.login(firstSecret)
	f.admin("CREATE TABLE granted(id int); GRANT SELECT ON granted TO " + login.Username)

	f.bind("unbind", application, "--keep-role")

	assert.Equal(f.t, "f", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = '"+login.Username+"'"))
	_, err := f.UserSQL(f.ctx, login, "SELECT 1")
	require.ErrorContains(f.t, err, "not permitted to log in")
	f.bind(application)
	assert.Equal(f.t, login.Username, f.login(firstSecret).Username)
	assert.Equal(f.t, "0", f.as(firstSecret, "SET role none; SELECT count(*) FROM granted"))
	f.bind("unbind", application)
	f.assertUnbound()
}

func purgesAccess(f *fixture) {
	f.bind(application, "--access=readonly")
	result := f.bind("unbind", application, "--purge")
	assert.Contains(f.t, result.Stdout, "role/pgbind_postgres_public_readonly_")
	f.assertUnbound()
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%readonly%' AND oid >= 16384"))
	assert.Equal(
		f.t, "0",
		f.admin("SELECT count(*) FROM pg_default_acl, aclexplode(defaclacl) a WHERE pg_get_userbyid(a.grantee) LIKE 'unknown%'"),
	)

	f.bind(application)
	result = f.bind("unbind", application, "--purge")
	assert.Contains(f.t, result.Stderr, "stays: it has other members, or owns")
	f.assertUnbound()
}

func abandons(f *fixture) {
	f.bind(application)
	role := f.login(firstSecret).Username
	f.delete("statefulset", lesson.Database)
	f.refusesWithoutDatabase()

	result := f.bind("unbind", application, "--abandon-role")

	assert.Contains(f.t, result.Stdout, `DROP ROLE "`+role+`";`)
	assert.Contains(f.t, result.Stdout, `REASSIGN OWNED BY "`+role+`" TO "pgbind_postgres_public_all_`)
	f.assertUnreferenced()
}

func (f *fixture) refusesWithoutDatabase() {
	f.t.Helper()
	result := f.run(f.Pgbind("unbind", application))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "--abandon-role")
	f.secret(firstSecret)
}

// assertUnbound requires that only access roles of a binding are left.
func (f *fixture) assertUnbound() {
	f.t.Helper()
	f.assertUnreferenced()
	assert.Equal(f.t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
}

func (f *fixture) assertUnreferenced() {
	f.t.Helper()
	_, err := f.Client.CoreV1().Secrets(f.Name).Get(f.ctx, firstSecret, metav1.GetOptions{})
	assert.True(f.t, apierrors.IsNotFound(err), "the Secret is gone")
	web := f.application()
	assert.Empty(f.t, web.Spec.Template.Spec.Containers[0].EnvFrom)
	for key := range web.Annotations {
		assert.NotContains(f.t, key, "pgbind.dev")
	}
}

// killedAt runs the plugin and kills it as soon as it prints that message.
func (f *fixture) killedAt(words string, args ...string) {
	f.t.Helper()
	ctx, kill := context.WithCancel(f.ctx)
	defer kill()
	output := &listener{words: words, do: kill}
	_, err := f.Pgbind(args...).Mirror(output).Run(ctx)
	require.ErrorIs(f.t, err, context.Canceled, "it never printed %q, but: %s", words, output.said.String())
}

// listener calls a function once, when it reads a text.
type listener struct {
	words string
	do    func()
	said  bytes.Buffer
}

func (l *listener) Write(text []byte) (int, error) {
	l.said.Write(text)
	if strings.Contains(l.said.String(), l.words) {
		l.do()
	}
	return len(text), nil
}

func (f *fixture) delete(kind, name string) {
	f.t.Helper()
	_, err := f.Kubectl("delete", kind, name, "--wait").Output(f.ctx)
	require.NoError(f.t, err)
}

// waitForSQL repeats a query until it returns that answer.
func (f *fixture) waitForSQL(want, sql string) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		rows, err := f.AdminSQL(f.ctx, sql)
		return err == nil && rows == want
	}, time.Minute, time.Second/2, sql)
}
