package postgres

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	auditedServer = `pgbind {"audit": {"access": {"passwords": true, "rules": true, "sessions": true, "statements": true, "replication": 1}}}
pgbind {"audit": {"role": {"name": "app", "canLogin": true, "mark": "pgbind/v1 id=abc namespace=ns uid=u run=r", "memberOf": [{"role": "g", "admin": true, "inherit": true, "set": true}]}}}
pgbind {"audit": {"password": {"role": "app", "kind": "md5"}}}
pgbind {"audit": {"session": {"address": "10.0.0.7", "role": "app", "database": "shop", "application": "web", "count": 3, "oldest": "2026-01-02T03:04:05+00:00"}}}
pgbind {"audit": {"rule": {"file": null, "line": 7, "type": "host", "databases": ["all"], "users": ["all"], "address": "all", "netmask": null, "method": "trust"}}}
pgbind {"audit": {"database": {"name": "postgres", "owner": "postgres", "template": false, "connectable": true, "public": ["CONNECT"]}}}
pgbind {"audit": {"database": {"name": "shop", "owner": "app", "template": false, "connectable": true, "public": null}}}
pgbind {"audit": {"database": {"name": "zoo", "owner": "app", "template": true, "connectable": true, "public": null}}}
`
	auditedPostgres = `pgbind {"audit": {"enter": "postgres"}}
pgbind {"audit": {"create": {"database": "postgres", "schema": "public"}}}
pgbind {"audit": {"left": "postgres"}}
`
	auditedShop = `pgbind {"audit": {"enter": "shop"}}
pgbind {"audit": {"owner": {"database": "shop", "role": "app", "relations": 4, "routines": 1}}}
pgbind {"audit": {"statements": {"role": "app", "statements": 2, "calls": 9}}}
pgbind {"audit": {"left": "shop"}}
`
	auditEnd = `pgbind {"end": "audit"}` + "\n"
)

func TestAudit_ReadsTheServerInOneSession(t *testing.T) {
	server, c := serverWith(t, answer{program: "psql", stdout: primary + auditedServer + auditedPostgres + auditedShop + auditEnd})
	found, err := server.Audit(t.Context())
	require.NoError(t, err)
	require.Len(t, found.Roles, 1)
	assert.Equal(t, Owner{ID: "abc", Run: "r", Namespace: "ns", NamespaceUID: "u"}, found.Roles[0].Owner)
	assert.Equal(t, "md5", found.Roles[0].Password)
	assert.Equal(t, []AuditMembership{{Role: "g", Admin: true, Inherit: true, Set: true}}, found.Roles[0].MemberOf)
	assert.Equal(t, 3, found.Sessions[0].Count)
	assert.Equal(t, "trust", found.Rules[0].Method)
	assert.Equal(t, []AuditSchema{{"postgres", "public"}}, found.Creates)
	assert.Equal(t, []AuditOwner{{"shop", "app", 4, 1}}, found.Owners)
	assert.Equal(t, []AuditStatement{{"app", 2, 9}}, found.Statements)
	assert.Len(t, c.argv, 1)
}

func TestAudit_GoesOnAfterADatabaseThatDoesNotLetItIn(t *testing.T) {
	refused := "psql:<stdin>:9: error: connection failed: FATAL:  permission denied for database\n"
	server, c := serverWith(
		t,
		answer{
			program: "psql",
			stdout:  primary + auditedServer + `pgbind {"audit": {"enter": "postgres"}}` + "\n",
			stderr:  refused,
			err:     &podexec.ExitError{Code: 2},
		},
		answer{program: "psql", stdout: primary + auditedShop + auditEnd},
	)
	found, err := server.Audit(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, found.Unread["postgres"], "permission denied")
	assert.Len(t, found.Owners, 1)
	assert.Contains(t, c.stdin[1], `\set database `+quote("postgres"))
	assert.NotContains(t, c.stdin[1], "pg_hba_file_rules", "the server is read once")
}

func TestAudit_Fails(t *testing.T) {
	cut := answer{program: "psql", stdout: primary + auditedServer + auditedPostgres}
	server, _ := serverWith(t, cut, cut, cut)
	_, err := server.Audit(t.Context())
	require.ErrorIs(t, err, errCut)
	server, _ = serverWith(t, answer{program: "psql", stdout: standby})
	_, err = server.Audit(t.Context())
	require.ErrorIs(t, err, ErrStandby)
	server, _ = serverWith(
		t,
		answer{program: "psql", stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501: no\n", err: &podexec.ExitError{Code: 3}},
	)
	_, err = server.Audit(t.Context())
	require.ErrorContains(t, err, "42501")
}

// TestAuditScript_OnlyReads: each transaction is read-only, nothing runs outside one, and no password leaves the server.
func TestAuditScript_OnlyReads(t *testing.T) {
	text := auditScript(true, "", false).text.String()
	assert.Equal(t, databasesAtOnce+1, strings.Count(text, "BEGIN TRANSACTION READ ONLY;"))
	assert.Equal(t, databasesAtOnce+1, strings.Count(text, "\nCOMMIT;"))
	for _, word := range []string{"GRANT ", "REVOKE ", "ALTER ", "CREATE ", "DROP ", "UPDATE ", "DELETE ", "INSERT ", "pg_get_"} {
		assert.NotRegexp(t, `(?m)^\s*`+word, text)
	}
	for _, used := range regexp.MustCompile(`[^:]:'(\w+)'`).FindAllStringSubmatch(text, -1) {
		set := regexp.MustCompile(`(?m)^\\set ` + used[1] + ` | AS ` + used[1] + `\b`).FindStringIndex(text)
		if assert.NotNil(t, set, "%s is never set", used[1]) {
			assert.Less(t, set[0], strings.Index(text, used[0]), "%s is set too late", used[1])
		}
	}
}
