//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// trapSQL is what a hostile application creates: functions and operators that replace PostgreSQL's own if a call is not qualified. If an
// administrator runs one of them, it makes the application's role a superuser. If another application does, it acts as that application's
// role.
const trapSQL = `
CREATE FUNCTION SCHEMA.spring() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    EXECUTE 'ALTER ROLE "LOGIN" SUPERUSER';
  END IF;
END $$;
CREATE FUNCTION SCHEMA.format(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2]); END $$;
CREATE FUNCTION SCHEMA.format(text, text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2, $3]); END $$;
CREATE FUNCTION SCHEMA.format(text, name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2::text]); END $$;
CREATE FUNCTION SCHEMA.format(text, name, name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN pg_catalog.format($1, VARIADIC ARRAY[$2::text, $3::text]); END $$;
CREATE FUNCTION SCHEMA.concat(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN $1 OPERATOR(pg_catalog.||) $2; END $$;
CREATE FUNCTION SCHEMA.json_build_object(text, text) RETURNS json LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN pg_catalog.json_build_object(VARIADIC ARRAY[$1, $2]); END $$;
CREATE FUNCTION SCHEMA.same(name, varchar) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM SCHEMA.spring(); RETURN $1::text OPERATOR(pg_catalog.=) $2::text; END $$;
CREATE OPERATOR SCHEMA.= (LEFTARG = name, RIGHTARG = varchar, FUNCTION = SCHEMA.same);
CREATE TABLE SCHEMA.caught (login name);
CREATE FUNCTION SCHEMA.tell(text, json) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO SCHEMA.caught VALUES (session_user); PERFORM SCHEMA.spring(); RETURN $1 OPERATOR(pg_catalog.||) $2::text; END $$;
CREATE OPERATOR SCHEMA.|| (LEFTARG = text, RIGHTARG = json, FUNCTION = SCHEMA.tell);
`

func TestHostileApplicationGainsNothing(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("second", nil))
	f.bind(application)
	login := f.login(firstSecret)
	for _, schema := range []string{"public", "postgres"} {
		trap := strings.NewReplacer("SCHEMA", schema, "LOGIN", login.Username).Replace(trapSQL)
		f.as(firstSecret, "CREATE SCHEMA IF NOT EXISTS "+schema+";"+trap)
	}
	isSuperuser := "SELECT rolsuper FROM pg_roles WHERE rolname = '" + login.Username + "'"

	f.bind(application)
	f.bind("deployment/second")

	others := f.apply(f.bindings(t.TempDir(), f.manyLabelled(3)...))
	assert.Len(t, verbsOf(others, "bound"), 3, others.Stderr)

	assert.Equal(t, "f", f.admin(isSuperuser))
	assert.Equal(t, "f", f.admin("SELECT pg_has_role('"+login.Username+"', 'postgres', 'MEMBER')"))
	assert.Empty(t, f.admin("SELECT login FROM public.caught"), "the login that proves a password runs nothing of another application")
	f.as(secretOf("second"), "SELECT 'x' || '{}'::json")
	assert.Equal(
		t, f.login(secretOf("second")).Username, f.admin("SELECT login FROM public.caught"),
		"it would, where an operator has no schema",
	)
	f.admin("SELECT format('%s', 'x')")
	assert.Equal(t, "t", f.admin(isSuperuser), "the trap works where a call is not qualified, so the tests above mean something")
}
