//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// sqlServer is a server on which the SQL of a story is tried without the story.
type sqlServer struct {
	*postgres.Server
	t     *testing.T
	ctx   context.Context
	admin func(database, sql string) (string, error)
}

func (s *sqlServer) sql(database, sql string) string {
	s.t.Helper()
	rows, err := s.admin(database, sql)
	require.NoError(s.t, err)
	return rows
}

const (
	boundRole  = "pgb_sqltest_1"
	accessMark = "pgbind/v1 access=all on=x run=r"
)

func sqlOwner() postgres.Owner {
	return postgres.Owner{ID: "sqltest", Run: "r", Namespace: "shop", NamespaceUID: "uid"}
}

// rich is a login role that holds one of everything in two databases.
const rich = `
CREATE ROLE heir NOLOGIN; COMMENT ON ROLE heir IS '` + accessMark + `';
CREATE ROLE third NOLOGIN;
CREATE ROLE ` + boundRole + ` LOGIN IN ROLE heir; COMMENT ON ROLE ` + boundRole + ` IS 'pgbind/v1 id=sqltest namespace=shop uid=uid run=r';
GRANT CREATE ON DATABASE app TO ` + boundRole + `;
CREATE DATABASE other OWNER ` + boundRole + `;`

const richInEach = `
CREATE TABLE public.foreign_table(id int); INSERT INTO public.foreign_table VALUES (1);
GRANT SELECT ON public.foreign_table TO ` + boundRole + `;
ALTER TABLE public.foreign_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_app ON public.foreign_table TO ` + boundRole + ` USING (true);
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE USER MAPPING FOR ` + boundRole + ` SERVER far;
SET SESSION AUTHORIZATION ` + boundRole + `;
CREATE SCHEMA of_app;
CREATE TABLE of_app.orders(id serial PRIMARY KEY); INSERT INTO of_app.orders DEFAULT VALUES;
CREATE VIEW of_app.latest AS SELECT * FROM of_app.orders;
CREATE TYPE of_app.colour AS ENUM ('red');
CREATE FUNCTION of_app.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT lo_create(4711);
GRANT SELECT ON of_app.orders TO third;
ALTER DEFAULT PRIVILEGES IN SCHEMA of_app GRANT SELECT ON TABLES TO third;`

func testUnbindSQL(s *sqlServer) {
	t, ctx := s.t, s.ctx
	s.sql("app", rich)
	for _, database := range []string{"app", "other"} {
		s.sql(database, richInEach)
	}

	found, err := s.Holdings(ctx, sqlOwner(), boundRole)
	require.NoError(t, err)
	require.Len(t, found.Roles, 1)
	holder := found.Roles[0]
	assert.Equal(t, "heir", holder.Heir)
	assert.True(t, holder.CanLogin)
	require.Len(t, holder.Objects, 2)
	for _, objects := range holder.Objects {
		owned := strings.Join(objects.Owns, "\n")
		for _, object := range []string{"table of_app.orders", "schema of_app", "large object 4711", "function of_app.one()", "view of_app.latest"} {
			assert.Contains(t, owned, object, objects.Database)
		}
		lost := strings.Join(objects.Loses, "\n")
		for _, object := range []string{"privileges on table public.foreign_table", "policy only_app", "user mapping"} {
			assert.Contains(t, lost, object, objects.Database)
		}
	}

	require.NoError(t, s.Disable(ctx, sqlOwner(), boundRole))
	require.NoError(t, s.EndSessions(ctx, sqlOwner(), boundRole))
	did, err := s.Drop(ctx, sqlOwner(), boundRole, found.Databases)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(did, "\n"), "DROP ROLE "+boundRole)
	assert.Equal(t, "0", s.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname = '"+boundRole+"'"))
	for _, database := range []string{"app", "other"} {
		assert.Equal(t, "1", s.sql(database, "SELECT count(*) FROM of_app.orders"))
		assert.Equal(t, "heir", s.sql(database, "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'"))
		assert.Equal(t, "heir", s.sql(database, "SELECT lomowner::regrole FROM pg_largeobject_metadata"))
	}
	_, err = s.Drop(ctx, sqlOwner(), boundRole, found.Databases)
	require.NoError(t, err, "said twice")
	assert.NoError(t, s.Disable(ctx, sqlOwner(), boundRole))
}
