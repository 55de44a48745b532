package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	onDatabases = `pgbind {"public": [{"what": "CONNECT on database shop", "close": "REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "may": true, "database": "shop"},
		{"what": "CREATE on schema public", "close": "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "may": false}]}`
	onSchema = `pgbind {"public": [{"what": "CREATE on schema public", "close": "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "may": true}]}` + "\n"
	relying  = `pgbind {"relying": {"close": "REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "roles": ["reports"]}}` + "\n"
)

func TestPublicGrants_ReadsAllDatabasesInOneSession(t *testing.T) {
	databases := strings.ReplaceAll(onDatabases, "\n", "") + "\n"
	server, c := serverWith(t, psqlSays(primary, about(0), databases, relying, about(1), onSchema, finished))
	grants, unread, err := server.PublicGrants(t.Context(), []string{"postgres", "shop"})
	require.NoError(t, err)
	assert.Empty(t, unread)
	require.Len(t, grants, 3, "a privilege on a database is reported by the first session that sees it")
	assert.Equal(t, []string{"reports"}, grants[0].Roles)
	assert.Equal(t, []string{"postgres", "postgres", "shop"}, []string{grants[0].In, grants[1].In, grants[2].In})
	assert.True(t, grants[0].May && !grants[1].May && grants[2].May)
	assert.NotContains(t, c.stdin[0], `\gexec`, "it runs no statement that it builds")
}

func TestPublicGrants_SkipsADatabaseThatItCannotEnter(t *testing.T) {
	refused := "psql:<stdin>:9: ERROR:  42501: permission denied\n"
	server, _ := serverWith(t, failed(refused, about(0)), psqlSays(primary, about(1), onSchema, finished))
	grants, unread, err := server.PublicGrants(t.Context(), []string{"closed", "shop"})
	require.NoError(t, err)
	require.ErrorContains(t, unread["closed"], "42501")
	require.Len(t, grants, 1)
	assert.Equal(t, "shop", grants[0].In)

	server, _ = serverWith(t, psqlSays(standby))
	_, _, err = server.PublicGrants(t.Context(), []string{"shop"})
	require.ErrorIs(t, err, ErrStandby)
}

func TestRevokePublic_RunsOnlyWhatWasConfirmed(t *testing.T) {
	grant := PublicGrant{Close: "REVOKE CREATE ON SCHEMA public FROM PUBLIC", In: "shop"}
	server, c := serverWith(t, psqlSays(primary, about(0), onSchema, did(grant.Close), finished))
	ran, unfinished, err := server.RevokePublic(t.Context(), []PublicGrant{grant})
	require.NoError(t, err)
	assert.Equal(t, []string{grant.Close}, ran)
	assert.Empty(t, unfinished)
	assert.Contains(t, c.stdin[0], `\set confirmed `+quote(`["`+grant.Close+`"]`))

	server, _ = serverWith(t, psqlSays(primary, about(0), `pgbind {"unfinished": [{"statement": "REVOKE x"}]}`+"\n", finished))
	_, unfinished, err = server.RevokePublic(t.Context(), []PublicGrant{grant})
	require.NoError(t, err)
	assert.Len(t, unfinished, 1)

	server, _ = serverWith(t, failed("psql:<stdin>:9: ERROR:  42501: no\n", about(0)))
	_, _, err = server.RevokePublic(t.Context(), []PublicGrant{grant})
	require.ErrorContains(t, err, `database "shop": `)
}
