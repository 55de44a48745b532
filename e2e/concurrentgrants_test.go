//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestConcurrentGrants has another session change privileges or roles in a transaction that it commits while a command waits for it. The
// server then fails the command's statement with XX000, "tuple concurrently updated", and the command repeats it.
func TestConcurrentGrants(t *testing.T) {
	t.Parallel()
	bound := []string{"deployment/web", "--secret=web", "--access=readwrite", "--wait=false"}
	by := "--admin-user=boss"
	for _, test := range []struct {
		name, prepare, change string
		args                  []string
	}{
		{"bind, table", "", "GRANT SELECT ON company TO PUBLIC", bound},
		{"bind, schema", "", "GRANT USAGE ON SCHEMA public TO boss", bound},
		{"bind, database", "", "GRANT CONNECT ON DATABASE postgres TO boss", bound},
		{"bind by no superuser", "", "GRANT CONNECT ON DATABASE shop TO postgres", slices.Concat(bound, []string{"--dbname=shop", by})},
		{"rotate", "GRANT TRUNCATE ON company TO <access>", "GRANT SELECT ON company TO PUBLIC", []string{"rotate", "deployment/web", "--grace=0s"}},
		{"unbind, table", "", "GRANT SELECT ON company TO PUBLIC", []string{"unbind", "deployment/web", "--grace=0s", "--purge"}},
		{"unbind, database", "", "GRANT CONNECT ON DATABASE postgres TO boss", []string{"unbind", "deployment/web", "--grace=0s", "--purge"}},
		{
			"rotate by no superuser", "", "ALTER ROLE <login> CONNECTION LIMIT 7",
			[]string{"rotate", "deployment/web", "--in-place", by},
		},
		{
			"unbind by no superuser", "", "ALTER ROLE <login> CONNECTION LIMIT 7",
			[]string{"unbind", "deployment/web", "--grace=0s", "--purge", by},
		},
		{"harden", "", "GRANT TEMPORARY ON DATABASE postgres TO boss", []string{"harden", "--dbname=postgres", "--yes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newLesson(t, harness.WithoutClaim)
			f.idle("web")
			f.admin("CREATE ROLE boss CREATEROLE LOGIN; CREATE DATABASE shop OWNER boss")
			names := strings.NewReplacer()
			if test.args[0] != bound[0] {
				first := bound
				if slices.Contains(test.args, by) {
					first = slices.Concat(bound, []string{"--dbname=shop", by})
				}
				f.bind(first...)
				names = strings.NewReplacer("<access>", f.accessRole("web"), "<login>", f.login("web").Username)
			}
			f.admin(names.Replace(test.prepare))
			ended := f.commitsLate(names.Replace(test.change))

			f.bind(test.args...)

			require.NoError(t, <-ended)
			log := f.kubectl("logs", lesson.DatabasePod, "--container="+lesson.Container)
			assert.Contains(t, log, "tuple concurrently updated", "the other session was in the way")
		})
	}
}

// commitsLate runs SQL in another session, whose transaction ends as soon as a command waits for it.
func (f *fixture) commitsLate(sql string) (ended <-chan error) {
	f.t.Helper()
	const untilAwaited = `DO $$ BEGIN
			FOR i IN 1..600 LOOP
				IF EXISTS (SELECT FROM pg_locks WHERE NOT granted) THEN RETURN; END IF;
				PERFORM pg_sleep(0.1);
			END LOOP;
			RAISE 'nobody waits';
		END $$`
	done := make(chan error, 1)
	go func() {
		_, err := f.AdminSQL(f.ctx, "BEGIN; "+sql+"; "+untilAwaited+"; COMMIT")
		done <- err
	}()
	f.waitForSQL("1", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
	return done
}
