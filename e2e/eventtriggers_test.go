//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// brokenTrigger audits changes in a table that it names without a schema, which the administrator's sessions do not find.
const brokenTrigger = `CREATE TABLE public.changes (tag text);
	CREATE FUNCTION public.record_change() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO changes VALUES (tg_tag); END $$;
	CREATE EVENT TRIGGER "Audit" ON ddl_command_end EXECUTE FUNCTION public.record_change()`

// TestEventTriggers has an event trigger that records changes, and one that fails. pgbind names the one that fails, and
// skips it on request.
func TestEventTriggers(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.WithoutClaim, harness.Version(version)).testEventTriggers()
		})
	}
}

func (f *fixture) testEventTriggers() {
	t := f.t
	f.idle("web")
	f.admin(brokenTrigger)
	refused := func(args ...string) {
		t.Helper()
		result := f.run(f.Pgbind(args...))
		assert.Equal(t, 1, result.Code, result.Stdout+result.Stderr)
		assert.Contains(t, result.Stderr, `event trigger: "Audit", which calls public.record_change()`)
		assert.Contains(t, result.Stderr, "--skip-event-triggers")
	}
	bind := []string{"deployment/web", "--secret=web", "--access=readwrite", "--wait=false"}
	refused(bind...)
	assert.Empty(t, f.loginRoles(), "the bind is rolled back")

	f.bind(append(bind, "--skip-event-triggers")...)
	f.as("web", "SELECT * FROM company")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM public.changes"))
	f.admin(`GRANT TRUNCATE ON company TO ` + f.accessRole("web"))
	f.bind("rotate", "deployment/web", "--grace=0s", "--skip-event-triggers")
	assert.Equal(t, "f", f.admin(`SELECT has_table_privilege('`+f.accessRole("web")+`', 'company', 'TRUNCATE')`))
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge", "--skip-event-triggers")
	require.Empty(t, f.loginRoles())

	f.admin(`ALTER EVENT TRIGGER "Audit" DISABLE; CREATE OR REPLACE FUNCTION public.record_change() RETURNS event_trigger LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO public.changes VALUES (tg_tag); END $$; ALTER EVENT TRIGGER "Audit" ENABLE`)
	f.bind(bind...)
	assert.NotEqual(t, "0", f.admin("SELECT count(*) FROM public.changes WHERE tag = 'GRANT'"), "a trigger that works stays on")
}

// accessRole returns the access role of the login in the Secret.
func (f *fixture) accessRole(secret string) string {
	f.t.Helper()
	return f.admin(`SELECT m.roleid::regrole FROM pg_auth_members m WHERE m.member = '` + f.login(secret).Username + `'::regrole`)
}
