package secret

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

func TestTemplates_RefusesUnknownNames(t *testing.T) {
	for want, spec := range map[string]v1alpha1.BindingSpec{
		"use lesson, libpq":             {Presets: []string{"symfony"}},
		"pgpass or servicebinding":      {Keys: []string{"url"}},
		"template of A":                 {Env: map[string]string{"A": "{{.Nothing}}"}},
		"invalid variable name":         {Env: map[string]string{"{{.Password}}": "x"}},
		"both have DATABASE_URL":        {Presets: []string{"url", "node"}},
		"POSTGRES_URI: it is set twice": {Keys: []string{"uri"}, Env: map[string]string{"POSTGRES_URI": "{{.JDBC}}"}},
		"its value is empty":            {Env: map[string]string{"A": ""}},
	} {
		_, err := Templates(spec)
		require.ErrorContains(t, err, want)
	}
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
		keys   []string
		want   map[string]string
	}{
		"the lesson's": {func(*Credentials) {}, nil, three},
		"usual values": {func(c *Credentials) { c.Port, c.Database = 5432, "postgres" }, nil, three},
		"other port and database": {
			func(c *Credentials) { c.Port, c.Database = 5433, "shop" }, nil,
			with(map[string]string{"POSTGRES_PORT": "5433", "POSTGRES_DB": "shop"}),
		},
		"all keys": {
			func(*Credentials) {},
			[]string{"port", "database", "uri", "jdbc", "pgpass"},
			with(map[string]string{ //nolint:gosec // examples
				"POSTGRES_PORT": "5432", "POSTGRES_DB": "postgres", "POSTGRES_URI": "postgresql://" + login + "@h:5432/postgres",
				"POSTGRES_JDBC_URL": "jdbc:postgresql://h:5432/postgres?password=p&user=u", ".pgpass": "h:5432:postgres:u:p\n",
			}),
		},
		"TLS": {
			func(c *Credentials) { c.SSLMode, c.CA, c.CAPath = "verify-full", "PEM", "/run/my db/ca.crt" },
			[]string{"uri"},
			with(map[string]string{
				"ca.crt":       "PEM",
				"POSTGRES_URI": "postgresql://" + login + "@h:5432/postgres?sslmode=verify-full&sslrootcert=%2Frun%2Fmy%20db%2Fca.crt",
			}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := Credentials{Host: "h", Username: "u", Password: "p"}
			test.change(&c)
			marks := testMarks()
			marks.Keys = test.keys
			assert.Equal(t, test.want, text(newSecret(t, marks, c)))
		})
	}
}

func TestVariablesOf_OmitsFiles(t *testing.T) {
	spec := v1alpha1.BindingSpec{Presets: []string{"cnpg", "lesson"}, Keys: []string{"pgpass"}}
	data := map[string][]byte{"POSTGRES_HOST": nil, "username": nil, "jdbc-uri": nil, ".pgpass": nil, "ca.crt": nil, "THEIRS": nil}
	assert.Equal(t, []string{"POSTGRES_HOST", "THEIRS"}, VariablesOf(spec, data))
	require.ErrorContains(t, CheckVariables(spec), "preset cnpg")
	require.NoError(t, CheckVariables(v1alpha1.BindingSpec{Presets: []string{"node"}}))
}

func TestNewServiceBinding_HasKeys(t *testing.T) {
	of := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s", UID: "uid"}}
	secret, err := NewServiceBinding(of, Credentials{Host: "h", Username: "u", Password: "p", CA: "PEM"})
	require.NoError(t, err)
	assert.Equal(t, "s-binding", secret.Name)
	assert.Equal(t, corev1.SecretType("servicebinding.io/postgresql"), secret.Type)
	assert.Equal(t, map[string]string{
		"type": "postgresql", "provider": "kubectl-pgbind", "host": "h", "port": "5432", "database": "postgres",
		"username": "u", "password": "p", "uri": "postgresql://" + login + "@h:5432/postgres", "ca.crt": "PEM",
		"jdbc-url": "jdbc:postgresql://h:5432/postgres?password=p&user=u",
	}, text(secret))
	assert.True(t, IsServiceBindingOf(secret, of))
	assert.False(t, IsServiceBindingOf(secret, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: "other"}}))
	assert.False(t, IsServiceBindingOf(of, of))
	_, ours := MarksOf(secret)
	assert.False(t, ours, "the second Secret has no metadata of a binding")
}
