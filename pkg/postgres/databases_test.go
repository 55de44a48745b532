package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	reportedDatabases = `pgbind {"databases": ["orders", "postgres", "shop"]}` + "\n"
	databasesEnd      = `pgbind {"end": "databases"}` + "\n"
)

func TestDatabases_ReadsThemInOneExec(t *testing.T) {
	server, c := serverWith(t, answer{program: "psql", stdout: reportedDatabases + primary + databasesEnd})
	found, err := server.Databases(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"orders", "postgres", "shop"}, found.Databases)
	assert.Positive(t, found.Version)
	assert.False(t, found.Standby)
	assert.Len(t, c.argv, 1)
	server, _ = serverWith(t, answer{program: "psql", stdout: reportedDatabases + standby})
	found, err = server.Databases(t.Context())
	require.NoError(t, err)
	assert.True(t, found.Standby)
	assert.Len(t, found.Databases, 3, "a standby has the same databases")
}

func TestDatabases_Fails(t *testing.T) {
	cut := answer{program: "psql", stdout: reportedDatabases + primary}
	server, _ := serverWith(t, cut, cut, cut)
	_, err := server.Databases(t.Context())
	require.ErrorIs(t, err, errCut)
	server, _ = serverWith(
		t,
		answer{program: "psql", stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501: no\n", err: &podexec.ExitError{Code: 3}},
	)
	_, err = server.Databases(t.Context())
	require.ErrorContains(t, err, "42501")
}

func TestDatabasesScript_OnlyReads(t *testing.T) {
	text := databasesScript().text.String()
	assert.Equal(t, 1, strings.Count(text, "BEGIN TRANSACTION READ ONLY;"))
	assert.Equal(t, 1, strings.Count(text, "\nCOMMIT;"))
	assert.NotContains(t, text, `\connect`, "it enters no database")
}

func TestVersionText(t *testing.T) {
	assert.Equal(t, "15.4", VersionText(150004))
}
