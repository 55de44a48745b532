package credentials

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestParseKey(t *testing.T) {
	key, err := ParseKey("uri")
	require.NoError(t, err)
	assert.Equal(t, KeyURI, key)
	_, err = ParseKey("url")
	require.ErrorContains(t, err, "pgpass")
}

// login is the user and the password in the examples.
var login = url.UserPassword("u", "p").String()

func text(secret *corev1.Secret) map[string]string {
	values := map[string]string{}
	for name, value := range secret.Data {
		values[name] = string(value)
	}
	return values
}

func TestNewSecret_HasKeys(t *testing.T) {
	three := map[string]string{"POSTGRES_HOST": "h", "POSTGRES_USERNAME": "u", "POSTGRES_PASSWORD": "p"}
	with := func(more map[string]string) map[string]string {
		for name, value := range three {
			more[name] = value
		}
		return more
	}
	tests := map[string]struct {
		change func(*Credentials)
		keys   []Key
		want   map[string]string
	}{
		"the lesson's": {func(*Credentials) {}, nil, three},
		"usual values": {func(c *Credentials) { c.Port, c.Database = 5432, "postgres" }, nil, three},
		"other port and database": {
			func(c *Credentials) { c.Port, c.Database = 5433, "shop" }, nil,
			with(map[string]string{"POSTGRES_PORT": "5433", "POSTGRES_DB": "shop"}),
		},
		"all keys": {func(*Credentials) {}, []Key{KeyPort, KeyDatabase, KeyURI, KeyJDBC, KeyPgpass}, with(map[string]string{ //nolint:gosec // examples
			"POSTGRES_PORT": "5432", "POSTGRES_DB": "postgres", "POSTGRES_URI": "postgresql://" + login + "@h:5432/postgres",
			"POSTGRES_JDBC_URL": "jdbc:postgresql://h:5432/postgres?password=p&user=u", ".pgpass": "h:5432:postgres:u:p\n",
		})},
		"TLS": {func(c *Credentials) { c.SSLMode, c.CA, c.CAPath = "verify-full", "PEM", "/run/my db/ca.crt" }, []Key{KeyURI}, with(map[string]string{
			"ca.crt": "PEM", "POSTGRES_URI": "postgresql://" + login + "@h:5432/postgres?sslmode=verify-full&sslrootcert=%2Frun%2Fmy%20db%2Fca.crt",
		})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := Credentials{Host: "h", Username: "u", Password: "p"}
			test.change(&c)
			assert.Equal(t, test.want, text(NewSecret(types.NamespacedName{Name: "s"}, testMarks(), c, test.keys...)))
		})
	}
}

func TestURI_EscapesValues(t *testing.T) {
	for _, hostile := range []string{`a b`, `p@ss:w/rd?#&=+%41`, `'"\`, `[]`, `ü`} {
		c := Credentials{Host: "::1", Username: hostile, Password: hostile, Database: hostile, SSLMode: "require"}
		u, err := url.Parse(c.URI())
		require.NoError(t, err)
		password, _ := u.User.Password()
		assert.Equal(t, []string{"::1", "5432", hostile, hostile, "/" + hostile, "require"},
			[]string{u.Hostname(), u.Port(), u.User.Username(), password, u.Path, u.Query().Get("sslmode")})
		j, err := url.Parse(c.jdbc()[len("jdbc:"):])
		require.NoError(t, err)
		assert.Equal(t, []string{hostile, hostile, "/" + hostile}, []string{j.Query().Get("user"), j.Query().Get("password"), j.Path})
	}
}

func TestPgpass_EscapesValues(t *testing.T) {
	c := Credentials{Host: "::1", Username: `a\b`, Password: "c:d"}
	assert.Equal(t, `\:\:1:5432:postgres:a\\b:c\:d`+"\n", c.pgpass())
}

func TestVariablesOf_OmitsFiles(t *testing.T) {
	data := Credentials{CA: "PEM"}.data([]Key{KeyPgpass, KeyURI})
	assert.Equal(t, []string{"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_URI", "POSTGRES_USERNAME"}, VariablesOf(data))
}

func TestNewServiceBinding_HasKeys(t *testing.T) {
	of := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s", UID: "uid"}}
	secret := NewServiceBinding(of, Credentials{Host: "h", Username: "u", Password: "p", CA: "PEM"})
	assert.Equal(t, "s-binding", secret.Name)
	assert.Equal(t, corev1.SecretType("servicebinding.io/postgresql"), secret.Type)
	assert.Equal(t, map[string]string{
		"type": "postgresql", "provider": "kubectl-pgbind", "host": "h", "port": "5432", "database": "postgres",
		"username": "u", "password": "p", "uri": "postgresql://" + login + "@h:5432/postgres", "ca.crt": "PEM",
	}, text(secret))
	assert.True(t, IsServiceBindingOf(secret, of))
	assert.False(t, IsServiceBindingOf(secret, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: "other"}}))
	assert.False(t, IsServiceBindingOf(of, of))
	_, ours := MarksOf(secret)
	assert.False(t, ours, "the second Secret has no metadata of a binding")
}
