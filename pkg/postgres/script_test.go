package postgres

import (
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuote(t *testing.T) {
	tests := map[string]string{
		"plain":      "'plain'",
		"":           "''",
		"a'b":        `'a\047b'`,
		`\! id`:      `'\134\041\040id'`,
		":HOST `id`": `'\072HOST\040\140id\140'`,
		"x\ny":       `'x\012y'`,
		"é":          `'\303\251'`,
	}
	for value, want := range tests {
		assert.Equal(t, want, quote(value), "value %q", value)
	}
}

func TestConninfo(t *testing.T) {
	assert.Equal(t, `'a\'b\\c d'`, conninfo(`a'b\c d`))
}

func TestDatabaseNameIsNeverAConnectionString(t *testing.T) {
	for name, want := range map[string]string{
		"shop":              "shop",
		"host=evil":         "dbname='host=evil'",
		"postgres://evil/x": "dbname='postgres://evil/x'",
	} {
		assert.Equal(t, want, conninfoDatabase(name))
	}
}

func TestAddress(t *testing.T) {
	for want, l := range map[string]Login{
		"host='svc.ns.svc.cluster.local,10.0.0.1' port=5433,5432 ": {Host: "svc.ns.svc", Port: 5433, PodIP: "10.0.0.1", PodPort: 5432},
		"host='db.example.com,10.0.0.1' port=6432,5432 ":           {Host: "db.example.com", HostComplete: true, Port: 6432, PodIP: "10.0.0.1", PodPort: 5432},
		"host='svc.ns.svc.cluster.local' port=5432 ":               {Host: "svc.ns.svc", Port: 5432},
		"host='10.0.0.1' port=5432 ":                               {Port: 6432, PodIP: "10.0.0.1", PodPort: 5432},
		`host='a\'b\\,10.0.0.1' port=1,2 `:                         {Host: `a'b\`, HostComplete: true, Port: 1, PodIP: "10.0.0.1", PodPort: 2},

		"host='svc.ns.svc.cluster.local,10.0.0.1' port=5433,5432 hostaddr='10.0.0.9,10.0.0.1' ": {Host: "svc.ns.svc", Port: 5433, Address: "10.0.0.9", PodIP: "10.0.0.1", PodPort: 5432, resolved: true},
		"host='svc.ns.svc.cluster.local' port=5433 hostaddr='10.0.0.9' ":                        {Host: "svc.ns.svc", Port: 5433, Address: "10.0.0.9", resolved: true},
		"host='svc.ns.svc.cluster.local' port=5434 ":                                            {Host: "svc.ns.svc", Port: 5434, Address: "10.0.0.9"},
		"host='svc.ns.svc.cluster.local' port=5435 ":                                            {Host: "svc.ns.svc", Port: 5435, resolved: true},
		"host='10.0.0.2' port=5432 ":                                                            {Port: 6432, Address: "10.0.0.9", PodIP: "10.0.0.2", PodPort: 5432, resolved: true},
	} {
		text := new(script).address(l, "ro'le", "d b").text.String()
		_, conn, found := strings.Cut(text, `\set conn `)
		require.True(t, found)
		login := `connect_timeout=15 application_name=kubectl-pgbind user='ro\'le' dbname='d b'`
		assert.Equal(t, want+login, asPsqlReads(t, strings.TrimSpace(conn), ".cluster.local"))
	}
}

// asPsqlReads joins the arguments of a \set, in which domain is the one variable.
func asPsqlReads(t *testing.T, arguments, domain string) string {
	t.Helper()
	var value strings.Builder
	for argument := range strings.SplitSeq(arguments, " ") {
		if argument == ":of_domain" {
			value.WriteString(domain)
			continue
		}
		inner, quoted := strings.CutPrefix(argument, "'")
		inner, closed := strings.CutSuffix(inner, "'")
		require.True(t, quoted && closed, argument)
		require.NotContains(t, inner, "'", "two of them without a space are one, with a quote in it")
		value.WriteString(regexp.MustCompile(`\\\d{3}`).ReplaceAllStringFunc(inner, func(octal string) string {
			code, err := strconv.ParseUint(octal[1:], 8, 8)
			require.NoError(t, err)
			return string([]byte{byte(code)})
		}))
	}
	return value.String()
}

// TestEverySessionOfTheAdministratorHasTheOptions: the program that makes a role, and what psql goes on with in its script.
func TestEverySessionOfTheAdministratorHasTheOptions(t *testing.T) {
	server, c := serverWith(t, answer{program: "createusers", stdout: createdOne + proved("run1")})
	require.NoError(t, create(t, server).Err)
	assert.Contains(t, c.argv[0], "PGOPTIONS="+sessionOptions())
	for _, option := range []string{"role=none", "search_path=", "default_transaction_read_only=off", "local_preload_libraries="} {
		assert.Contains(t, sessionOptions()+" ", "-c "+option+" ")
	}
	explained, err := Explain(testBinding(), Login{})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(explained, `\set options `+quote(escape(sessionOptions()))))
}

func TestScriptsKeepTheHouseRules(t *testing.T) {
	files, err := fs.Glob(sqlFiles, "sql/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := fs.ReadFile(sqlFiles, file)
		require.NoError(t, err)
		text := regexp.MustCompile(`(?m)^\s*--.*$`).ReplaceAllString(string(data), "")
		assert.NotRegexp(t, `(?i)\bcascade\b`, text, file)
		assert.NotRegexp(t, `\\!|\x60`, text, "%s runs a shell", file)
		if drop := strings.Index(text, "DROP OWNED"); drop >= 0 {
			reassign := strings.Index(text, "REASSIGN OWNED")
			assert.True(t, reassign >= 0 && reassign < drop, "%s drops before it reassigns", file)
		}
		assertQualified(t, file, text)
	}
}

// TestNothingOfOthersRunsInALoginsSession reads what is sent as a role whose search path its application may have filled.
func TestNothingOfOthersRunsInALoginsSession(t *testing.T) {
	for _, name := range []string{"login", "end", "login_without_password"} {
		data, err := fs.ReadFile(sqlFiles, "sql/"+name+".sql")
		require.NoError(t, err)
		text := regexp.MustCompile(`(?m)^\s*--.*$|^\\(connect|setenv|if) .*$|\\;|'\\''|'[^'\\]*'`).ReplaceAllString(string(data), "")
		assert.NotRegexp(t, `[-+*/<>=~!@#%^&|?]|\b(?i:between|in|is|like|similar)\b`, text, "%s has an operator", name)
	}
}

// assertQualified wants pg_catalog before the name of every function that is called; what SQL itself defines has no schema.
func assertQualified(t *testing.T, file, text string) {
	t.Helper()
	words := []string{
		"by", "then", "coalesce", "nullif", "any", "exists", "lateral", "in", "as", "and", "or", "not", "from", "join",
		"where", "select", "over", "held", "s", "l", "o", "access", "wanted", "materialized",
	}
	text = regexp.MustCompile(`'[^']*'`).ReplaceAllString(text, "''")
	for _, call := range regexp.MustCompile(`([\w.]+)\s*\(`).FindAllStringSubmatch(text, -1) {
		name := strings.ToLower(call[1])
		assert.True(
			t, strings.HasPrefix(name, "pg_catalog.") || slices.Contains(words, name), "%s calls %s without its schema",
			file, call[1],
		)
	}
}

func testBinding() RoleSpec {
	return RoleSpec{
		Name:   "pgb_abc_1",
		Owner:  Owner{ID: "abc", Run: "run1", Namespace: "ns", NamespaceUID: "uid"},
		Access: Access{Database: "postgres", Schemas: []string{"public"}, Level: All},
	}
}

// TestBindScript_ChangesPrivilegesWithoutTheLockOnRoles: a bind that waits for an object must not prevent others from creating roles.
func TestBindScript_ChangesPrivilegesWithoutTheLockOnRoles(t *testing.T) {
	explained, err := Explain(testBinding(), Login{Set: true})
	require.NoError(t, err)
	parts := strings.Split(explained, "LOCK TABLE pg_catalog.pg_authid")
	require.Len(t, parts, 3, "one transaction creates the access role, one completes the login role")
	for _, part := range parts[1:] {
		locked, after, committed := strings.Cut(part, "COMMIT;")
		require.True(t, committed)
		for _, change := range []string{"AS missing", "AS extra", "SET lock_timeout = '3s'", "REVOKE %s ON"} {
			assert.NotContains(t, locked, change)
		}
		if part == parts[1] {
			assert.Contains(t, after, "AS missing")
		}
	}
}
