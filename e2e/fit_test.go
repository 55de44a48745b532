//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// counting has the server count statements.
func counting(object *unstructured.Unstructured) error { return countingAtMost(5000)(object) }

// countingAtMost has the server count so many different statements, and discard those that were executed least.
func countingAtMost(statements int) func(*unstructured.Unstructured) error {
	return func(object *unstructured.Unstructured) error {
		return harness.ChangeServer(object, func(server map[string]any) {
			server["args"] = []any{
				"-c", "shared_preload_libraries=pg_stat_statements",
				"-c", fmt.Sprintf("pg_stat_statements.max=%d", statements),
			}
		})
	}
}

// fitLine is an answer of check --fit.
type fitLine struct {
	Workload, Access, Enough, Reason string
	Judged, Skipped, Discards        int
}

// fit returns the answers by workload.
func (f *fixture) fit(args ...string) map[string]fitLine {
	f.t.Helper()
	var list struct{ Items []fitLine }
	result := f.run(f.Pgbind(append([]string{"check", "--fit", "-o", "json"}, args...)...))
	require.NoError(f.t, json.Unmarshal([]byte(result.Stdout), &list), result.Stdout)
	answers := map[string]fitLine{}
	for _, one := range list.Items {
		answers[strings.TrimPrefix(one.Workload, "deployment.apps/")] = one
	}
	return answers
}

// everything is what a check must leave as it is: roles, memberships, privileges and owners.
const everything = `SELECT rolname, rolconfig, shobj_description(oid, 'pg_authid') FROM pg_roles ORDER BY 1;
SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2;
SELECT oid::regclass::text, relowner::regrole, relacl FROM pg_class WHERE oid >= 16384 ORDER BY 1;
SELECT defaclrole::regrole::text, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1, 2; SELECT datname, datacl FROM pg_database ORDER BY 1; SELECT nspname, nspacl FROM pg_namespace ORDER BY 1`

// TestFit executes statements as several applications, and requires the narrowest level under which they still succeed.
func TestFit(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.WithoutClaim, counting, harness.Version(version)).testFit()
		})
	}
}

func (f *fixture) testFit() {
	t := f.t
	statements := map[string][]string{
		"reader": {
			"SELECT * FROM company WHERE id = 1",
			"SELECT count(*) FROM company c JOIN company d USING (id) WHERE c.name LIKE 'a%'",
			"SHOW work_mem",
		},
		"writer": {
			"SELECT * FROM company",
			"INSERT INTO company VALUES (7, 'seven') ON CONFLICT DO NOTHING",
			"UPDATE company SET name = 'x' WHERE id = 7",
			"DELETE FROM company WHERE id = 7",
		},
		"silent": {},
	}
	access := map[string]string{"reader": "readwrite", "writer": "all", "silent": "readwrite"}
	enough := map[string]string{"reader": "readonly", "writer": "readwrite", "silent": ""}
	for name := range statements {
		f.idle(name)
		f.bind("deployment/"+name, "--secret="+name, "--access="+access[name], "--wait=false")
	}

	before := f.admin(everything)
	without := f.fit()
	assert.Contains(t, without["reader"].Reason, "CREATE EXTENSION pg_stat_statements")
	f.admin("CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()")
	for name, sql := range statements {
		for _, statement := range sql {
			f.as(name, statement)
		}
	}
	fits := f.fit()
	for name, level := range enough {
		assert.Equal(t, level, fits[name].Enough, "%s: %+v", name, fits[name])
		assert.Equal(t, access[name], fits[name].Access)
	}
	assert.Contains(t, fits["writer"].Reason, "readonly is not enough for:")
	f.admin("DROP EXTENSION pg_stat_statements")
	assert.Equal(t, before, f.admin(everything), "roles, privileges and owners are the same as before")
	f.admin("CREATE EXTENSION pg_stat_statements")

	// The oracle is the server: at the level that is enough, the statements succeed, and at a narrower one they do not.
	for _, name := range []string{"reader", "writer"} {
		f.bind("deployment/"+name, "--secret="+name, "--access="+enough[name], "--wait=false")
		for _, statement := range statements[name] {
			f.as(name, statement)
		}
	}
	f.mayNot("reader", statements["writer"][1])

	f.as("writer", "CREATE TEMPORARY TABLE own (id int)")
	assert.Equal(t, "readwrite", f.fit("deployment/writer")["writer"].Access)
	f.bind("deployment/silent", "--secret=silent", "--access=all", "--wait=false")
	f.as("silent", "CREATE TABLE silent_rows (id int)")
	owner := f.fit("deployment/silent")["silent"]
	assert.Equal(t, "all", owner.Enough, "%+v", owner)
	assert.Contains(t, owner.Reason, "CREATE TABLE silent_rows")
}

// TestFit_ReportsDiscardedStatements has an application execute more statements than the server keeps.
func TestFit_ReportsDiscardedStatements(t *testing.T) {
	t.Parallel()
	const kept = 100
	f := newLesson(t, harness.WithoutClaim, countingAtMost(kept))
	f.admin("CREATE EXTENSION pg_stat_statements")
	f.idle("busy")
	f.bind("deployment/busy", "--secret=busy", "--wait=false")
	f.admin("SELECT pg_stat_statements_reset()")
	f.as("busy", "SELECT * FROM company")
	assert.Zero(t, f.fit()["busy"].Discards)

	var statements []string
	for n := range 2 * kept {
		statements = append(statements, "SELECT 1"+strings.Repeat(" + 1", n))
	}
	f.as("busy", strings.Join(statements, "; "))

	assert.Positive(t, f.fit()["busy"].Discards)
	assert.Contains(t, f.run(f.Pgbind("check", "--fit")).Stdout, ", some discarded")
	assert.NotEqual(t, "0", strings.TrimSpace(f.admin("SELECT dealloc FROM pg_stat_statements_info")))
}

// TestFit_RunsNothingAsAnotherRole: an application executes statements whose planning runs a function of its own. The
// function reports as whom it runs, and tries to become more.
func TestFit_RunsNothingAsAnotherRole(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, counting)
	f.admin("CREATE EXTENSION pg_stat_statements")
	f.idle("hostile")
	f.bind("deployment/hostile", "--secret=hostile", "--wait=false")
	f.as("hostile", `CREATE FUNCTION public.planted() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
		RAISE LOG 'planted ran as % of %', current_user, session_user;
		BEGIN PERFORM set_config('role', 'none', false); EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'CREATE ROLE planted SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch /tmp/planted'''; EXCEPTION WHEN OTHERS THEN NULL; END;
		RETURN 'x'; END $$`)
	f.as("hostile", "SELECT * FROM company WHERE name = public.planted()")
	// Without the CREATE FUNCTION, which decides the level before anything is planned.
	f.admin("SELECT pg_stat_statements_reset()")
	f.as("hostile", "SELECT * FROM company WHERE name = public.planted()")
	answer := f.fit()["hostile"]
	log := f.kubectl("logs", lesson.DatabasePod, "--container="+lesson.Container)
	fitted := false
	for line := range strings.Lines(log) {
		_, who, found := strings.Cut(line, "planted ran as ")
		if !found {
			continue
		}
		fitted = fitted || strings.HasPrefix(who, "pgb_fit")
		assert.Regexp(t, `^pgb(ind)?_\S+ of pgb_\S+\n$`, who, "the function runs as roles of the application or as a temporary role only")
	}
	assert.True(t, fitted, "planning ran the function as the temporary role")
	assert.Positive(t, answer.Judged)
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%planted'"))
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_fit%'"))
	f.kubectl("exec", lesson.DatabasePod, "--", "sh", "-c", "test ! -e /tmp/planted")
}
