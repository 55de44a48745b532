package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newDatabase() NewDatabase {
	return NewDatabase{Name: `sh'op`, Template: "template0", Owner: testBinding().Owner}
}

func TestCreateDatabase_BeginsInAnotherDatabase(t *testing.T) {
	server, c := serverWith(t, psqlSays(primary, did("CREATE DATABASE"), did("REVOKE"), finished))
	server.Database = `sh'op`
	ran, err := server.CreateDatabase(t.Context(), newDatabase())
	require.NoError(t, err)
	assert.Equal(t, []string{"CREATE DATABASE", "REVOKE"}, ran)
	assert.Contains(t, c.stdin[0], opening(maintenanceDatabase, true).text.String())
	assert.NotContains(t, c.stdin[0], `sh'op`, "the name is quoted")
}

func TestCreateDatabase_FindsTheDatabaseOfAnother(t *testing.T) {
	const duplicate = "psql:<stdin>:9: ERROR:  42P04: database \"shop\" already exists\n"
	server, _ := serverWith(t, failed(duplicate), psqlSays(primary, finished))
	_, err := server.CreateDatabase(t.Context(), newDatabase())
	require.NoError(t, err)
	server, _ = serverWith(t, failed(duplicate), failed(duplicate), failed(duplicate))
	_, err = server.CreateDatabase(t.Context(), newDatabase())
	require.ErrorContains(t, err, "42P04")
}

func TestCreateDatabase_Refuses(t *testing.T) {
	server, _ := serverWith(t, answer{program: "psql", stdout: standby})
	_, err := server.CreateDatabase(t.Context(), newDatabase())
	require.ErrorIs(t, err, ErrStandby)

	server, _ = serverWith(t, psqlSays(primary, `pgbind {"foreignDatabase": {"database": "pgbind_new_x", "role": "evil"}}`+"\n"))
	_, err = server.CreateDatabase(t.Context(), newDatabase())
	require.ErrorContains(t, err, `database "pgbind_new_x"`)
	require.ErrorContains(t, err, `role "evil"`)

	server, _ = serverWith(t, failed("psql:<stdin>:9: ERROR:  42501: permission denied to create database\n"))
	_, err = server.CreateDatabase(t.Context(), newDatabase())
	require.ErrorContains(t, err, "permission denied")
}

func TestCreateDatabase_RunsAgainIfItsOutputWasCut(t *testing.T) {
	server, _ := serverWith(t, psqlSays(primary, did("CREATE DATABASE")), psqlSays(primary, finished))
	ran, err := server.CreateDatabase(t.Context(), newDatabase())
	require.NoError(t, err)
	assert.Equal(t, []string{"CREATE DATABASE"}, ran)
}

// TestCreateDatabase_IsCompleteWhenItGetsItsName: everything after CREATE DATABASE is one transaction.
func TestCreateDatabase_IsCompleteWhenItGetsItsName(t *testing.T) {
	text, err := ExplainDatabase(newDatabase(), "postgres")
	require.NoError(t, err)
	_, rest, began := strings.Cut(text, "\nBEGIN;")
	inside, _, committed := strings.Cut(rest, "COMMIT;")
	require.True(t, began && committed)
	for _, part := range []string{"RENAME TO", "ALLOW_CONNECTIONS true", "REVOKE CONNECT, TEMPORARY", "COMMENT ON DATABASE"} {
		assert.Contains(t, inside, part)
	}
}

func TestDraft_IsOneForEachWish(t *testing.T) {
	names := map[string]bool{newDatabase().draft("postgres"): true, newDatabase().draft("boss"): true}
	for _, change := range []func(*NewDatabase){
		func(d *NewDatabase) { d.Name = "x" }, func(d *NewDatabase) { d.Template = "x" }, func(d *NewDatabase) { d.Locale = "x" },
	} {
		d := newDatabase()
		change(&d)
		names[d.draft("postgres")] = true
	}
	assert.Len(t, names, 5)
	other := newDatabase()
	other.Owner = Owner{ID: "other", Run: "run2"}
	assert.True(t, names[other.draft("postgres")], "any run continues")
}

// TestBindScript_CreatesExtensionsBeforeAnyPrivilege: their scripts run as the administrator.
func TestBindScript_CreatesExtensionsBeforeAnyPrivilege(t *testing.T) {
	plain, err := Explain(testBinding(), Login{Set: true})
	require.NoError(t, err)
	for _, part := range []string{"CREATE EXTENSION", "CREATE SCHEMA", "SET search_path TO"} {
		assert.NotContains(t, plain, part)
	}
	spec := testBinding()
	spec.Creates = Creates{Schema: "app", Extensions: []string{"citext"}, ExtensionSchema: "extensions", Path: []string{"app"}}
	text, err := Explain(spec, Login{Set: true})
	require.NoError(t, err)
	at := -1
	for _, part := range []string{
		`CREATE ROLE :"access"`, "is_exposed", "CREATE EXTENSION IF", `AUTHORIZATION :"access"`, "AS missing", "SET search_path TO",
	} {
		next := strings.Index(text, part)
		assert.Greater(t, next, at, part)
		at = next
	}
	spec.Creates.Extensions = nil
	text, err = Explain(spec, Login{Set: true})
	require.NoError(t, err)
	assert.NotContains(t, text, "CREATE EXTENSION")
}

func TestBind_ReportsWhatItDoesNotCreate(t *testing.T) {
	const existing = `pgbind {"existing": {"schema": "app", "owner": "dba"}}` + "\n"
	server, _ := serverWith(t, psqlSays(primary, existing, hosted, loggedIn("scram"), ended))
	result, err := server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
	require.NoError(t, err)
	assert.Equal(t, &ExistingSchema{Schema: "app", Owner: "dba"}, result.Existing)

	server, _ = serverWith(
		t,
		answer{program: "psql", stdout: primary + `pgbind {"exposed": [{"schema": "public", "role": "PUBLIC"}]}` + "\n"},
	)
	_, err = server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
	exposed := (*ExposedSchemaError)(nil)
	require.ErrorAs(t, err, &exposed)
	require.ErrorContains(t, err, "PUBLIC in schema public")
}

func TestBatch_SeparatesWhatCreatesOtherThings(t *testing.T) {
	same, other := testBinding(), testBinding()
	other.Creates = Creates{Schema: "app"}
	all := []Request{{same, Login{}}, {other, Login{}}, {same, Login{}}}
	assert.Equal(t, [][]int{{0, 2}, {1}}, newBatch(all, []int{0, 1, 2}).groups)
	assert.Equal(t, Creates{}.key(), Creates{Path: []string{"public"}}.key())
}

func TestUndo_DropsTheSchemaOfItsRun(t *testing.T) {
	server, c := serverWith(t, psqlSays(primary, did("DROP ROLE pgb_abc_1"), did("DROP SCHEMA app"), `pgbind {"end": "run1"}`+"\n"))
	spec := testBinding()
	spec.Creates.Schema = "app"
	ran, err := server.Undo(t.Context(), spec)
	require.NoError(t, err)
	assert.Len(t, ran, 2)
	assert.Contains(t, c.stdin[0], "DROP SCHEMA %I RESTRICT")
	assert.Contains(t, c.stdin[0], quote("pgbind/v1 schema run=run1"))
}
