//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// setting is a parameter with a value that changes what a session means, prints, or has time for.
type setting struct {
	name, value string
	// onlyAdministrator leaves out the sessions of applications, which could not work with the setting.
	onlyAdministrator bool
}

// hostileSettings are settings that an owner of a database or a superuser can give the sessions in it.
func hostileSettings() []setting {
	return []setting{
		// What a statement means.
		{name: "search_path", value: "evil, public"},
		{name: "transform_null_equals", value: "on"},
		{name: "array_nulls", value: "off"},
		{name: "backslash_quote", value: "off"},
		{name: "standard_conforming_strings", value: "off"},
		{name: "escape_string_warning", value: "off"},
		{name: "quote_all_identifiers", value: "on"},
		{name: "check_function_bodies", value: "off"},
		{name: "row_security", value: "off"},
		{name: "xmloption", value: "document"},
		{name: "default_text_search_config", value: "pg_catalog.german"},
		{name: "default_with_oids", value: "off"},
		{name: "restrict_nonsystem_relation_kind", value: "view, foreign-table"},
		{name: "allow_in_place_tablespaces", value: "on"},
		{name: "session_replication_role", value: "replica"},
		{name: "event_triggers", value: "off"},
		{name: "allow_system_table_mods", value: "on"},
		{name: "lo_compat_privileges", value: "on"},
		{name: "createrole_self_grant", value: "set, inherit"},
		{name: "password_encryption", value: "md5"},
		{name: "scram_iterations", value: "1"},
		{name: "default_tablespace", value: "pg_global", onlyAdministrator: true},
		{name: "default_toast_compression", value: "pglz"},
		{name: "role", value: "pg_monitor", onlyAdministrator: true},
		// Transactions.
		{name: "default_transaction_isolation", value: "serializable"},
		{name: "default_transaction_read_only", value: "on"},
		{name: "default_transaction_deferrable", value: "on"},
		{name: "exit_on_error", value: "on"},
		{name: "synchronous_commit", value: "remote_apply"},
		{name: "commit_siblings", value: "0"},
		{name: "stats_fetch_consistency", value: "snapshot"},
		// What a session prints.
		{name: "bytea_output", value: "escape"},
		{name: "DateStyle", value: "German, DMY"},
		{name: "IntervalStyle", value: "sql_standard"},
		{name: "TimeZone", value: "Asia/Kolkata"},
		{name: "timezone_abbreviations", value: "Australia"},
		{name: "extra_float_digits", value: "-15"},
		{name: "xmlbinary", value: "hex"},
		{name: "client_encoding", value: "LATIN1"},
		{name: "lc_messages", value: "C"},
		{name: "lc_monetary", value: "C"},
		{name: "lc_numeric", value: "C"},
		{name: "lc_time", value: "C"},
		{name: "client_min_messages", value: "debug5"},
		{name: "log_duration", value: "on"},
		{name: "log_statement", value: "all"},
		{name: "log_min_duration_statement", value: "0"},
		{name: "debug_print_plan", value: "on"},
		{
			name:  "log_executor_stats",
			value: "on",
		},
		{name: "application_name", value: "pgb'ind\"%"},
		{name: "track_activities", value: "off"},
		// How long it takes, and with how much memory.
		{name: "statement_timeout", value: "1", onlyAdministrator: true},
		{name: "lock_timeout", value: "1", onlyAdministrator: true},
		{name: "idle_in_transaction_session_timeout", value: "1"},
		{name: "idle_session_timeout", value: "100", onlyAdministrator: true},
		{name: "transaction_timeout", value: "100", onlyAdministrator: true},
		{name: "deadlock_timeout", value: "1"},
		{name: "client_connection_check_interval", value: "1"},
		{name: "tcp_user_timeout", value: "1000"},
		{name: "local_preload_libraries", value: "nonsense", onlyAdministrator: true},
		{name: "enable_seqscan", value: "off"},
		{name: "enable_hashjoin", value: "off"},
		{name: "enable_nestloop", value: "off"},
		{name: "join_collapse_limit", value: "1"},
		{name: "from_collapse_limit", value: "1"},
		{name: "geqo_threshold", value: "2"},
		{
			name:  "plan_cache_mode",
			value: "force_generic_plan",
		},
		{name: "cpu_tuple_cost", value: "1000000"},
		{name: "jit_above_cost", value: "0"},
		{name: "force_parallel_mode", value: "on"},
		{name: "debug_parallel_query", value: "on"},
		{name: "work_mem", value: "64kB"},
		{name: "maintenance_work_mem", value: "1MB"},
		{name: "temp_buffers", value: "100"},
		{name: "temp_file_limit", value: "0"},
		{name: "max_stack_depth", value: "100kB"},
		{name: "max_parallel_workers_per_gather", value: "0"},
	}
}

// atLeastSettings is the number of settings that each version must have tried.
const atLeastSettings = 40

// TestSettings runs each command on a database with each setting, and requires the same roles and privileges as without
// it. Each run of CI tries a third of the settings, and make soak tries all.
func TestSettings(t *testing.T) {
	t.Parallel()
	const servers = 4
	for part := range servers {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			f := newLesson(t, harness.WithoutClaim, harness.Version(serverVersions()[0]))
			f.testSettings(func(n int) bool { return n%servers == part && inPart(t, os.Getenv("PGBIND_PART"), n/servers) })
		})
	}
}

func (f *fixture) testSettings(mine func(n int) bool) {
	t := f.t
	f.idle("web", "former")
	f.kubectl(
		"set", "env", "deployment/former", "POSTGRES_HOST=postgresql-svc."+f.Name+".svc.cluster.local", "POSTGRES_USERNAME=boss",
		"POSTGRES_PASSWORD="+formerPassword,
	)
	f.admin("CREATE SCHEMA evil; CREATE TABLE owned (id int); CREATE ROLE boss LOGIN PASSWORD '" + formerPassword +
		"'; GRANT CREATE ON SCHEMA public TO boss; ALTER TABLE owned OWNER TO boss")
	f.hardenAndGrant() // PostgreSQL's defaults become explicit access lists
	known := lines(f.admin("SELECT name FROM pg_settings WHERE context IN ('user', 'superuser')"))
	var tried []setting
	for _, s := range hostileSettings() {
		if slices.Contains(known, s.name) || s.name == "role" {
			tried = append(tried, s)
		}
	}
	require.GreaterOrEqual(t, len(tried), atLeastSettings)

	want := f.inAllCommands()
	for n, s := range tried {
		if !mine(n) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			f := f.in(t)
			f.setForAll(s)
			t.Cleanup(func() { f.resetForAll(s) })
			got := f.inAllCommands()
			f.resetForAll(s)
			assert.Equal(t, want, got)
		})
	}
}

// setForAll gives the setting to the administrator's sessions in the database, and to those of applications.
func (f *fixture) setForAll(s setting) {
	f.t.Helper()
	sql := fmt.Sprintf("ALTER ROLE postgres IN DATABASE postgres SET %s TO %s;", s.name, quoted(s))
	if !s.onlyAdministrator {
		sql += fmt.Sprintf("ALTER DATABASE postgres SET %s TO %s", s.name, quoted(s))
	}
	f.fromTemplate(sql)
}

// quoted returns the value as SQL. Each entry of a list is a string of its own.
func quoted(s setting) string {
	if !slices.Contains([]string{"search_path", "local_preload_libraries"}, s.name) {
		return "'" + strings.ReplaceAll(s.value, "'", "''") + "'"
	}
	return "'" + strings.ReplaceAll(s.value, ", ", "', '") + "'"
}

func (f *fixture) resetForAll(s setting) {
	f.t.Helper()
	f.fromTemplate(fmt.Sprintf("ALTER ROLE postgres IN DATABASE postgres RESET %[1]s; ALTER DATABASE postgres RESET %[1]s", s.name))
}

// fromTemplate runs SQL in the database template1, which has no settings.
func (f *fixture) fromTemplate(sql string) string {
	f.t.Helper()
	return f.kubectl(
		"exec", lesson.DatabasePod, "--container="+lesson.Container, "--", "psql", "--username=postgres", "--dbname=template1",
		"--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--command="+sql,
	)
}

// inAllCommands runs each command that uses the database, and returns the roles and privileges after each that changes them.
func (f *fixture) inAllCommands() []string {
	t, states := f.t, []string{}
	f.t.Helper()
	bind := []string{"deployment/web", "--secret=web", "--expires=2099-12-31T23:59:59Z", "--connection-limit=7", "--wait=false"}
	note := func(after string) {
		states = append(states, after+"\n"+f.rolesAndPrivileges())
	}
	f.bind(bind...)
	note("bind")
	assert.Contains(t, f.bind(bind...).Stdout, "deployment.apps/web unchanged")
	assert.Equal(t, []string{"OK"}, reasons(f.check(0)))
	f.bind("list")
	f.bind("servers")
	require.Less(t, f.run(f.Pgbind("audit")).Code, 2, "its findings are not errors")
	f.bind("psql", "deployment/web", "--", "--command=SELECT 1")
	f.bind("rotate", "deployment/web", "--grace=0s")
	note("rotate")
	f.bind("rotate", "deployment/web", "--in-place")
	note("rotate in place")
	assert.Equal(t, []string{"OK"}, reasons(f.check(0)))
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	note("unbind")
	f.apply(f.bindings(t.TempDir(), "workload: deployment/web, secret: web, access: readwrite"))
	note("apply")
	f.bind("unbind", "deployment/web", "--grace=0s", "--purge")
	f.bind("takeover", "deployment/former", "--yes")
	note("takeover")
	f.bind("takeover", "deployment/former", "--undo", "--yes", "--grace=0s")
	note("takeover --undo")
	f.idle("gone")
	f.bind("deployment/gone", "--wait=false")
	f.kubectl("delete", "deployment", "gone")
	f.bind("prune", "--yes")
	note("prune")
	states = append(states, "harden\n"+f.hardenAndGrant())
	return states
}

// hardenAndGrant revokes what PUBLIC may do in the database, and grants it again. It returns the roles and privileges in between.
func (f *fixture) hardenAndGrant() string {
	f.t.Helper()
	f.bind("harden", "--yes")
	hardened := f.rolesAndPrivileges()
	f.fromTemplate("GRANT CONNECT, TEMPORARY ON DATABASE postgres TO PUBLIC")
	return hardened
}

// generated are the parts of a name that differ between two bindings of the same workload.
var generated = regexp.MustCompile(`pgb_[0-9a-z]+_[0-9]+`)

// rolesAndPrivileges returns what PostgreSQL stores, read in a database without settings or with their defaults.
func (f *fixture) rolesAndPrivileges() string {
	f.t.Helper()
	server := f.fromTemplate(
		`SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
			rolvaliduntil AT TIME ZONE 'UTC', split_part(rolpassword, '$', 1) || split_part(split_part(rolpassword, '$', 2), ':', 1)
		FROM pg_authid WHERE rolname LIKE 'pgb%' ORDER BY 1;
		SELECT m.roleid::regrole, m.member::regrole, m.admin_option FROM pg_auth_members m WHERE m.roleid >= 16384 OR m.member >= 16384 ORDER BY 1, 2;
		SELECT setrole::regrole, setconfig FROM pg_db_role_setting WHERE setrole >= 16384 ORDER BY 1;
		SELECT a FROM pg_database, unnest(datacl) a WHERE datname = 'postgres' ORDER BY a::text`,
	)
	options := plainSession
	if slices.Contains([]string{"17", "18"}, serverVersions()[0]) {
		options += " -c transaction_timeout=0"
	}
	output, err := f.Kubectl(
		"exec",
		lesson.DatabasePod,
		"--container="+lesson.Container,
		"--",
		"env",
		"PGOPTIONS="+options,
		"psql",
		"--username=postgres",
		"--quiet",
		"--no-align",
		"--tuples-only",
		"--set=ON_ERROR_STOP=1",
		"--command=SELECT relname, relowner::pg_catalog.regrole, a FROM pg_catalog.pg_class LEFT JOIN pg_catalog.unnest(relacl) a ON true "+
			"WHERE relname IN ('company', 'owned') ORDER BY 1, a::text;"+
			"SELECT nspname, a FROM pg_catalog.pg_namespace, pg_catalog.unnest(nspacl) a WHERE nspname IN ('public', 'evil') ORDER BY 1, a::text;"+
			"SELECT defaclrole::pg_catalog.regrole, defaclobjtype, a FROM pg_catalog.pg_default_acl, pg_catalog.unnest(defaclacl) a ORDER BY 1, 2, a::text",
	).Output(f.ctx)
	require.NoError(f.t, err)
	return generated.ReplaceAllString(server+output, "<login>")
}

// plainSession are the options with which the test itself reads a database, whatever the settings are.
const plainSession = "-c role=none -c statement_timeout=0 -c lock_timeout=0 -c local_preload_libraries= " +
	"-c client_min_messages=warning -c quote_all_identifiers=off"
