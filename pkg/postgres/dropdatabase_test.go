package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDropDatabase(t *testing.T) {
	owner := testBinding().Owner
	use := func(text string) string { return `pgbind {"database": ` + text + "}\n" }
	server, c := serverWith(
		t,
		psqlSays(primary, use(`{"gone": false, "foreign": false, "users": []}`), did("DROP DATABASE shop"), finished),
	)
	ran, err := server.DropDatabase(t.Context(), "shop", owner)
	require.NoError(t, err)
	assert.Equal(t, []string{"DROP DATABASE shop"}, ran)
	assert.Contains(t, c.stdin[0], opening(maintenanceDatabase, true).text.String())
	assert.Contains(t, c.stdin[0], quote("pgbind/v1 database namespace=ns "))
	assert.NotContains(t, c.stdin[0], "FORCE)")

	server, _ = serverWith(t, psqlSays(primary, use(`{"gone": true, "foreign": true, "users": []}`), finished))
	ran, err = server.DropDatabase(t.Context(), "shop", owner)
	require.NoError(t, err, "an earlier run dropped it")
	assert.Empty(t, ran)
}

func TestCheckDatabase_Refuses(t *testing.T) {
	owner := testBinding().Owner
	server, c := serverWith(t,
		psqlSays(primary, `pgbind {"database": {"gone": false, "foreign": true, "users": []}}`+"\n", finished),
		psqlSays(primary, `pgbind {"database": {"gone": false, "foreign": false, "users": ["a session of dba"]}}`+"\n", finished),
		psqlSays(standby))
	unmarked, used := (*UnmarkedDatabaseError)(nil), (*UsedDatabaseError)(nil)
	require.ErrorAs(t, server.CheckDatabase(t.Context(), "shop", owner), &unmarked)
	require.ErrorAs(t, server.CheckDatabase(t.Context(), "shop", owner), &used)
	require.ErrorContains(t, used, "a session of dba")
	require.ErrorIs(t, server.CheckDatabase(t.Context(), "shop", owner), ErrStandby)
	assert.Contains(t, c.stdin[0], `\set drops 'false'`)
}
