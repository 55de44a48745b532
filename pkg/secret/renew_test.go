package secret

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

func TestRenew_WritesWhatANewSecretHas(t *testing.T) {
	old := Credentials{Host: "h", Username: "old", Password: "old"}
	all := []string{"port", "database", "uri", "jdbc", "pgpass"}
	tests := map[string]struct {
		change func(*Credentials)
		keys   []string
	}{
		"the lesson's": {func(*Credentials) {}, nil},
		"all":          {func(c *Credentials) { c.Port, c.Database, c.SSLMode = 5433, "a b", "require" }, all},
		"file for TLS": {func(c *Credentials) { c.SSLMode, c.CA, c.CAPath = "verify-full", "PEM", "/run/ca.crt" }, []string{"jdbc"}},
		"only file":    {func(*Credentials) {}, []string{"pgpass"}},
	}
	for name, test := range tests {
		for _, preset := range keys.PresetNames() {
			t.Run(name+" "+preset, func(t *testing.T) {
				before, after := old, old
				test.change(&before)
				test.change(&after)
				after.Username, after.Password = "n:ew", "new@/"
				marks := testMarks()
				marks.Keys, marks.Presets, marks.DBName, marks.MountPath = test.keys, []string{preset}, before.Database, "/run"
				marks.Role = after.Username
				secret, want := newSecret(t, marks, before), newSecret(t, marks, after)
				secret.Data["theirs"], want.Data["theirs"] = []byte("kept"), []byte("kept")
				require.NoError(t, Renew(secret, marks, Credentials{Host: "h", Username: after.Username, Password: after.Password}))
				assert.Equal(t, text(want), text(secret))
				assert.Equal(t, want.Annotations, secret.Annotations)
				assert.Empty(t, Damaged(secret))
			})
		}
	}
}

func TestRenew_ReplacesMetadata(t *testing.T) {
	before, after := testMarks(), testMarks()
	before.PasswordFrom = "secret/chosen:password"
	c := Credentials{Host: "h", Username: "u", Password: "p"}
	secret := newSecret(t, before, c)
	require.NoError(t, Renew(secret, after, c))
	marks, ok := MarksOf(secret)
	assert.True(t, ok)
	assert.Empty(t, marks.PasswordFrom)
}

func TestRenew_ReplacesKeysOfFormerPresets(t *testing.T) {
	before, after := testMarks(), testMarks()
	before.Keys, after.Keys, after.Presets = nil, nil, []string{"url"}
	c := Credentials{Host: "h", Username: "u", Password: "p", Database: "shop"}
	secret := newSecret(t, before, c)
	secret.Data["THEIRS"] = []byte("kept")
	require.NoError(t, Renew(secret, after, c))
	assert.Equal(t, map[string]string{ //nolint:gosec // an example
		"DATABASE_URL": "postgresql://u:p@h:5432/shop", "PGBIND_PASSWORD": "p", "THEIRS": "kept",
	}, text(secret))

	require.NoError(t, Renew(secret, before, c))
	want := text(newSecret(t, before, c))
	want["THEIRS"] = "kept"
	assert.Equal(t, want, text(secret))
}

func TestRenew_KeepsOptionalKeysThatTheMetadataDoesNotName(t *testing.T) {
	marks := testMarks()
	marks.Keys = nil
	secret := newSecret(t, marks, Credentials{Host: "h", Username: "u", Password: "p", Database: "shop", Port: 6432})
	secret.Data["POSTGRES_URI"] = []byte("postgresql://u:p@h:6432/shop?sslmode=require")
	require.NoError(t, Renew(secret, marks, Credentials{Host: "h", Username: "u", Password: "new", Port: 5432}))
	assert.Equal(t, "5432", string(secret.Data["POSTGRES_PORT"]), "a port that somebody may read does not disappear")
	assert.Equal(t, "postgresql://u:new@h:5432/shop?sslmode=require", string(secret.Data["POSTGRES_URI"]))
}

func TestComplete_AddsWhatIsMissing(t *testing.T) {
	marks := testMarks()
	marks.Keys, marks.DBName = nil, "shop"
	chosen := Credentials{Host: "pooler", Port: 6432, Username: "u", Password: "p", Database: "shop"}
	secret := newSecret(t, marks, chosen)
	secret.Data["POSTGRES_HOST"] = []byte("edited")
	before := secret.DeepCopy()
	stored, _ := MarksOf(secret)
	found := Credentials{Host: "svc", Username: "u", Password: "p", Database: "shop", SSLMode: "disable"}
	require.NoError(t, Complete(secret, stored, found))
	assert.Equal(t, before, secret, "nothing is missing")

	stored.Keys = []string{"uri"}
	require.NoError(t, Complete(secret, stored, found))
	assert.Equal(t, "postgresql://u:p@edited:6432/shop?sslmode=disable", string(secret.Data["POSTGRES_URI"]))
	assert.Equal(t, "edited", string(secret.Data["POSTGRES_HOST"]))
	after, _ := MarksOf(secret)
	assert.Equal(t, []string{"uri"}, after.Keys)
}

func TestDamaged_NamesTheKey(t *testing.T) {
	marks := testMarks()
	marks.Presets = []string{"url", "libpq"}
	secret, err := NewSecret(types.NamespacedName{Name: "s"}, marks, Credentials{Host: "h", Username: "u", Password: "p"})
	require.NoError(t, err)
	assert.Empty(t, Damaged(secret))
	secret.Data["DATABASE_URL"] = []byte("postgresql://other")
	assert.Equal(t, "DATABASE_URL", Damaged(secret))
}
