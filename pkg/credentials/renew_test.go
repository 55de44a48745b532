package credentials

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

func TestRenew_WritesKeysOfNewSecret(t *testing.T) {
	old := Credentials{Host: "h", Username: "old", Password: "old"}
	tests := map[string]struct {
		change func(*Credentials)
		keys   []Key
	}{
		"the lesson's": {func(*Credentials) {}, nil},
		"all":          {func(c *Credentials) { c.Port, c.Database, c.SSLMode = 5433, "a b", "require" }, allKeys()},
		"file for TLS": {func(c *Credentials) { c.SSLMode, c.CA, c.CAPath = "verify-full", "PEM", "/run/ca.crt" }, []Key{KeyJDBC}},
		"only file":    {func(*Credentials) {}, []Key{KeyPgpass}},
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

func TestRenew_RemovesOldChoices(t *testing.T) {
	before, after := testMarks(), testMarks()
	before.Choices, after.Choices = v1alpha1.Choices{Sources: v1alpha1.Sources{PasswordFrom: "secret/chosen:password"}}, v1alpha1.Choices{}
	secret := NewSecret(types.NamespacedName{Name: "s"}, before, Credentials{})
	Renew(secret, after, Credentials{})
	marks, ok := MarksOf(secret)
	assert.True(t, ok)
	assert.Equal(t, after.Choices, marks.Choices)
}
