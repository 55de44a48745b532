package credentials

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"
)

func TestRenewedKeysAreThoseOfANewSecret(t *testing.T) {
	old := Credentials{Host: "h", Username: "old", Password: "old"}
	tests := map[string]struct {
		change func(*Credentials)
		keys   []Key
	}{
		"the lesson's":   {func(*Credentials) {}, nil},
		"all":            {func(c *Credentials) { c.Port, c.Database, c.SSLMode = 5433, "a b", "require" }, allKeys()},
		"a file for TLS": {func(c *Credentials) { c.SSLMode, c.CA, c.CAPath = "verify-full", "PEM", "/run/ca.crt" }, []Key{KeyJDBC}},
		"only a file":    {func(*Credentials) {}, []Key{KeyPgpass}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, after := old, old
			test.change(&before)
			test.change(&after)
			after.Username, after.Password = "n:ew", "new@/"
			secret := NewSecret(types.NamespacedName{Name: "s"}, testMarks(), before, test.keys...)
			want := NewSecret(types.NamespacedName{Name: "s"}, testMarks(), after, test.keys...)
			secret.Data["theirs"], want.Data["theirs"] = []byte("kept"), []byte("kept")
			Renew(secret, testMarks(), Credentials{Host: "h", Username: after.Username, Password: after.Password})
			assert.Equal(t, text(want), text(secret))
		})
	}
}
