//go:build e2e

package privileges

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// givenSQL is what a DBA grants and sets for the login role LOGIN.
const givenSQL = `
CREATE ROLE extra; CREATE ROLE apart; CREATE DATABASE other; CREATE SCHEMA "a b, ""c""";
ALTER ROLE LOGIN SET statement_timeout TO '7s';
ALTER ROLE LOGIN SET temp_file_limit TO '1MB';
ALTER ROLE LOGIN SET my.word TO 'it''s, "quoted" \ and long';
ALTER ROLE LOGIN SET search_path TO "$user", "a b, ""c""", public;
ALTER ROLE LOGIN IN DATABASE other SET work_mem TO '3MB';
ALTER ROLE LOGIN IN DATABASE postgres SET DateStyle TO 'German, DMY';
ALTER ROLE LOGIN CONNECTION LIMIT 7 NOINHERIT VALID UNTIL '2031-02-03 04:05:06.789+05:30';
GRANT extra TO LOGIN;`

// givenOptionsSQL is what servers have from 16 on.
const givenOptionsSQL = `GRANT extra TO LOGIN WITH INHERIT TRUE, SET FALSE; GRANT apart TO LOGIN WITH INHERIT FALSE, SET TRUE;`

// settingsSQL reads everything that givenSQL changed, without the names of access roles, in a form that no setting of a session changes.
const settingsSQL = `
SELECT coalesce(d.datname, '-'), c FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
WHERE s.setrole = 'LOGIN'::regrole AND c NOT LIKE 'role=%' ORDER BY 1, 2;
SELECT rolconnlimit, rolinherit, extract(epoch FROM rolvaliduntil) FROM pg_roles WHERE rolname = 'LOGIN';
SELECT r.rolname, to_jsonb(m) -> 'inherit_option', to_jsonb(m) -> 'set_option' FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
WHERE m.member = 'LOGIN'::regrole ORDER BY 1, 2, 3;`

func TestRotate_KeepsWhatADBAGave(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.pgbind(application, "--secret="+secret, "--access=readonly", "--wait=false")
		former, err := s.Login(s.ctx, secret)
		require.NoError(t, err)
		given := givenSQL
		if s.version == "17" || s.version == "18" {
			given += givenOptionsSQL
		}
		s.admin("postgres", strings.ReplaceAll(given, "LOGIN", former.Username))
		s.admin(
			"postgres",
			"ALTER DATABASE postgres SET DateStyle TO 'SQL, MDY'; ALTER DATABASE postgres SET TimeZone TO 'America/St_Johns'",
		)
		before := s.admin("postgres", strings.ReplaceAll(settingsSQL, "LOGIN", former.Username))
		require.Contains(t, before, "statement_timeout=7s")
		s.pgbind("rotate", application, "--grace=0s")
		now, err := s.Login(s.ctx, secret)
		require.NoError(t, err)
		require.NotEqual(t, former.Username, now.Username)
		assert.Equal(t, before, s.admin("postgres", strings.ReplaceAll(settingsSQL, "LOGIN", now.Username)))
	})
}

// TestRotate_QuotesWhatAnApplicationSet has the application set for itself a search path that is SQL where it is not quoted.
func TestRotate_QuotesWhatAnApplicationSet(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.pgbind(application, "--secret="+secret, "--access=readonly", "--wait=false")
		former, err := s.Login(s.ctx, secret)
		require.NoError(t, err)
		set := s.as(
			former,
			"postgres",
			`SELECT set_config('search_path', 'public;ALTER/**/ROLE/**/`+former.Username+`/**/SUPERUSER', false);
			SELECT set_config('application_name', E'a''; ALTER ROLE `+former.Username+` SUPERUSER; --', false);
			ALTER ROLE CURRENT_USER SET search_path FROM CURRENT; ALTER ROLE CURRENT_USER SET application_name FROM CURRENT`,
		)
		require.Empty(t, set.Stderr)
		require.Equal(
			t, "2",
			s.admin("postgres", "SELECT cardinality(setconfig) FROM pg_db_role_setting WHERE setrole = '"+former.Username+"'::regrole"),
		)
		s.pgbind("rotate", application, "--grace=0s")
		assert.Equal(t, "postgres", s.admin("postgres", "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolsuper"))
		now, err := s.Login(s.ctx, secret)
		require.NoError(t, err)
		assert.Contains(t, s.as(now, "postgres", "SHOW search_path").Stdout, "ALTER/**/ROLE")
	})
}
