//go:build e2e

package privileges

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

const (
	application = "deployment/" + lesson.Application
	secret      = "shop-login"
)

// TestSessions_IgnoreSettings sets parameters for the database, and for the administrator in it, that would break or redirect the
// administrator's session.
func TestSessions_IgnoreSettings(t *testing.T) {
	onEachVersion(t, func(s *server) {
		t := s.t
		s.admin("postgres", "CREATE ROLE shopowner LOGIN; CREATE DATABASE shop OWNER shopowner")
		s.set(
			"shop", "role=shopowner", "default_transaction_read_only=on", "default_transaction_isolation=serializable",
			"search_path=evil", "DateStyle=SQL, DMY", "TimeZone=Asia/Kolkata", "client_min_messages=debug5",
			"standard_conforming_strings=off", "password_encryption=md5", "client_encoding=latin1",
		)
		s.pgbind(application, "--dbname=shop", "--secret="+secret, "--access=readonly", "--wait=false", "--expires=1h")
		login, err := s.Login(s.ctx, secret)
		require.NoError(t, err)
		expires := s.admin("postgres", "SELECT extract(epoch FROM rolvaliduntil)::int FROM pg_roles WHERE rolname = '"+login.Username+"'")
		s.pgbind("rotate", application, "--grace=0s")
		login, err = s.Login(s.ctx, secret)
		require.NoError(t, err)
		assert.Equal(
			t, expires,
			s.admin("postgres", "SELECT extract(epoch FROM rolvaliduntil)::int FROM pg_roles WHERE rolname = '"+login.Username+"'"),
			"the expiry is the same to the second",
		)

		hostile := []string{
			"statement_timeout=1", "lock_timeout=1", "idle_in_transaction_session_timeout=1",
			"local_preload_libraries=nonsense",
		}
		if s.version != "13" {
			hostile = append(hostile, "idle_session_timeout=1")
		}
		if s.version == "17" || s.version == "18" {
			hostile = append(hostile, "transaction_timeout=1")
		}
		s.set("shop", hostile...)
		_, err = s.exec("psql", psqlFlags("postgres", "shop")...).Stdin("SELECT pg_sleep(1)").Output(s.ctx)
		require.Error(t, err, "an ordinary session does not get through")
		s.pgbind("unbind", application)
		assert.Equal(t, "0", s.admin("postgres", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	})
}

// set sets each NAME=VALUE for the database, and for the administrator in it.
func (s *server) set(database string, settings ...string) {
	s.t.Helper()
	var script strings.Builder
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(
			&script, "ALTER DATABASE %s SET %s TO '%s'; ALTER ROLE postgres IN DATABASE %s SET %s TO '%s';\n", database,
			name, value, database, name, value,
		)
	}
	s.admin("postgres", script.String())
}
