package keys

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzValues parses a connection URI, a JDBC URL and a pgpass line as their readers do.
func FuzzValues(f *testing.F) {
	f.Add("db.shop.svc", "user", "password", "shop")
	f.Add("10.0.0.1", `u:s/e?r@`, `p'a"s\s:w#o%r&d+ =`, `d/a:t\a?b#ase`)
	f.Add("::1", "ü", "~", "../x")
	f.Add("::1", "a+b", "c+d", "e+f")
	f.Fuzz(func(t *testing.T, host, user, password, database string) {
		if !utf8.ValidString(user+password+database) || host != "db.shop.svc" && host != "10.0.0.1" && host != "::1" || database == "" {
			return // not a possible name or host
		}
		v := Values{Host: host, Username: user, Password: password, Database: database, Port: 6432, SSLMode: "require", CAPath: "/ca.crt"}
		uri, err := url.Parse(v.URI())
		require.NoError(t, err)
		again, _ := uri.User.Password()
		assert.Equal(
			t, []string{host, "6432", user, password, "/" + database},
			[]string{uri.Hostname(), uri.Port(), uri.User.Username(), again, uri.Path},
		)
		for _, text := range []string{uri.EscapedPath(), uri.RawQuery, v.JDBC()} {
			assert.NotContains(t, text, "+", "readers disagree on the meaning of a plus sign")
		}
		assert.Equal(t, url.Values{"sslmode": {"require"}, "sslrootcert": {"/ca.crt"}}, uri.Query())

		java, err := url.Parse(strings.TrimPrefix(v.JDBC(), "jdbc:"))
		require.NoError(t, err)
		assert.Equal(
			t, []string{user, password, "/" + database},
			[]string{java.Query().Get("user"), java.Query().Get("password"), java.Path},
		)

		line, err := KeyTemplate("pgpass")
		require.NoError(t, err)
		if user == "" || password == "" {
			return
		}
		pgpass, err := line.Render(v)
		require.NoError(t, err)
		assert.Equal(t, []string{host, "6432", database, user, password}, pgpassFields(strings.TrimSuffix(pgpass, "\n")))
	})
}
