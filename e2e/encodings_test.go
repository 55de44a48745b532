//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// encoded is a database with an encoding, and the name of a table in the bytes that the database stores.
type encoded struct{ workload, database, encoding, table string }

// TestEncodings binds in databases whose encodings and names the administrator's session, in UTF-8, cannot always show.
func TestEncodings(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	databases := []encoded{
		{"plain", "plain", "UTF8", "année"}, {"named", "Á b'c", "UTF8", "t"}, {"win", "win", "WIN1252", "ann\xe9e"},
		{"japanese", "japanese", "EUC_JP", "\xb0\xec"}, {"ascii", "ascii", "SQL_ASCII", "ann\xe9e"},
	}
	for _, d := range databases {
		f.idle(d.workload)
		f.rawSQL(
			"postgres",
			`CREATE DATABASE "`+d.database+`" TEMPLATE template0 ENCODING '`+d.encoding+`' LC_COLLATE 'C' LC_CTYPE 'C'`,
			"UTF8",
		)
		f.rawSQL(d.database, `CREATE TABLE "`+d.table+`" (id int); CREATE TABLE plain (id int)`, d.encoding)
	}
	for _, d := range databases {
		t.Run(d.workload, func(t *testing.T) {
			f := f.in(t)
			f.bind("deployment/"+d.workload, "--dbname="+d.database, "--secret="+d.workload, "--access=readwrite", "--wait=false")
			login := f.login(d.workload)
			can := f.rawSQL(d.database, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
				AND has_table_privilege('`+login.Username+`', oid, 'SELECT, INSERT, UPDATE, DELETE')`, d.encoding)
			assert.Equal(t, "2", strings.TrimSpace(can))
			checked := f.run(f.Pgbind("check", "deployment/"+d.workload))
			assert.Zero(t, checked.Code, checked.Stdout+checked.Stderr)
			f.bind("rotate", "deployment/"+d.workload, "--grace=0s")
			require.Less(t, f.run(f.Pgbind("audit")).Code, 2)
			f.bind("unbind", "deployment/"+d.workload, "--grace=0s", "--purge")
			assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%'`))
		})
	}
}

// rawSQL runs SQL as the administrator. The text and the output are in the given encoding.
func (f *fixture) rawSQL(database, sql, encoding string) string {
	f.t.Helper()
	output, err := f.Kubectl(
		"exec", "--stdin", lesson.DatabasePod, "--container="+lesson.Container, "--", "env", "PGCLIENTENCODING="+encoding, "psql",
		"--username=postgres", "--dbname="+database, "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--file=-",
	).Stdin(sql).Output(f.ctx)
	require.NoError(f.t, err)
	return output
}
