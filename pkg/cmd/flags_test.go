package cmd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

func TestParseDuration_AcceptsAndRejects(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * day, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute, "36500d": maxDuration} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0d", "-1d", "1.5d", "d", "30", "-1h", "99999999d", "36501d", "213504d", "-213503d", "soon"} {
		_, err := parseDuration(text)
		assert.Error(t, err, text)
	}
}

func TestKeyFlags_SetOptions(t *testing.T) {
	var o binding.Options
	flags := keyFlags{keys: []string{"uri", "servicebinding", "port"}, sslMode: "verify-full"}
	require.NoError(t, flags.apply(&o))
	assert.Equal(t, binding.KeyOptions{Keys: []credentials.Key{credentials.KeyURI, credentials.KeyPort}, ServiceBinding: true, SSLMode: "verify-full"}, o.Keys)
	require.ErrorContains(t, (&keyFlags{sslMode: "on"}).apply(&o), "verify-ca")
	require.ErrorContains(t, (&keyFlags{keys: []string{"url"}}).apply(&o), "pgpass")
}

func TestSources_RejectTwoPasswordsFromStdin(t *testing.T) {
	f := bindFlags{database: databaseFlags{adminPassword: "stdin"}, login: loginFlags{password: "stdin"}}
	_, err := f.sources()
	require.ErrorContains(t, err, "cannot both read stdin")

	f.login.password = "secret/user:password"
	s, err := f.sources()
	require.NoError(t, err)
	assert.Equal(t, sources{admin: credentials.Source{Kind: credentials.FromStdin}, password: credentials.Source{Kind: credentials.FromSecret, Name: "user", Key: "password"}}, s)

	f.login.password = "hunter2"
	_, err = f.sources()
	require.ErrorContains(t, err, "--password-from")
	assert.NotContains(t, err.Error(), "hunter2")
}
