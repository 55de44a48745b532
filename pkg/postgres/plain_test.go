package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStatements_DescribeTheLevel(t *testing.T) {
	spec := testBinding()
	few := spec.Statements(true)
	spec.Access.Schemas = []string{"own", "public", `od"d`}
	spec.Access.Level = ReadWrite
	all := strings.Join(spec.Statements(false), "\n")
	assert.LessOrEqual(t, len(few), 12)
	assert.Equal(t, `CREATE ROLE "pgb_abc_1" LOGIN PASSWORD 'MASKED'`, few[0])
	assert.Contains(t, strings.Join(few, "\n"), "SET role TO")
	assert.Contains(t, all, `GRANT USAGE ON SCHEMA "od""d", "own", "public" TO `)
	assert.Contains(t, all, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA`)
	assert.Contains(t, all, `GRANT CONNECT, TEMPORARY ON DATABASE "postgres" TO `)
	assert.NotContains(t, all, "PASSWORD")
	assert.NotContains(t, all, "SET role TO")
	limit := int32(3)
	spec.Limits = Limits{Connections: &limit, Settings: map[string]string{"statement_timeout": "5s", "work_mem": ""}}
	spec.Creates = Creates{Schema: "app", Extensions: []string{"citext"}, ExtensionSchema: "extensions"}
	more := strings.Join(spec.Statements(false), "\n")
	for _, statement := range []string{
		"CONNECTION LIMIT 3", `SET "statement_timeout" TO '5s'`, `RESET "work_mem"`, `CREATE SCHEMA IF NOT EXISTS "app"`, `CREATE EXTENSION IF NOT EXISTS "citext" SCHEMA "extensions"`,
	} {
		assert.Contains(t, more, statement)
	}
}
