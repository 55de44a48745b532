package secret

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// FuzzRenew writes credentials to a Secret and changes only the password. The other values must stay.
func FuzzRenew(f *testing.F) {
	f.Add("db.shop.svc", "user", "password", "shop")
	f.Add("10.0.0.1", `u:s/e?r@`, `p'a"s\s:w#o%r&d+ =`, `d/a:t\a?b#ase`)
	f.Add("::1", "ü", "~", "../x")
	f.Fuzz(func(t *testing.T, host, user, password, database string) {
		if host == "" || user == "" || password == "" || database == "" {
			return
		}
		c := Credentials{Host: host, Username: user, Password: password, Database: database, Port: 6432, SSLMode: "require"}
		marks := testMarks()
		marks.Keys, marks.Presets, marks.DBName, marks.Role = []string{"port", "jdbc"}, []string{"spring", "libpq"}, database, user
		secret := newSecret(t, marks, c)
		before := secret.DeepCopy()
		held, ok := Of(secret)
		require.True(t, ok)
		assert.Equal(t, c, held)
		require.NoError(t, Renew(secret, marks, Credentials{Host: c.Host, Username: c.Username, Password: c.Password}))
		assert.Equal(t, before, secret)
		require.NoError(t, Renew(secret, marks, Credentials{Host: c.Host, Username: c.Username, Password: "another"}))
		assert.Equal(t, "another", string(secret.Data["PGPASSWORD"]))
		assert.Empty(t, Damaged(secret))
	})
}

// FuzzMarks reads arbitrary metadata, in both formats, and writes it again.
func FuzzMarks(f *testing.F) {
	f.Add("id", "1", `["a"]`, `{"inject":"env"}`, "2026-01-02T03:04:05Z")
	f.Add("", "x", "null", "[]", "never")
	f.Add("", "", "", `{"spec":{"dbname":"shop","keys":["uri"]},"status":{"id":"id","generation":2},"unbinding":true}`, "")
	f.Fuzz(func(t *testing.T, id, generation, schemas, choices, expires string) {
		object := &corev1.Secret{}
		object.Labels = map[string]string{ManagedByLabel: ManagedBy}
		object.Annotations = map[string]string{
			prefix + "id":             id,
			prefix + "generation":     generation,
			prefix + "schemas":        schemas,
			prefix + "choices":        choices,
			prefix + "expires":        expires,
			annotationPrefix + "name": choices,
		}
		current := &corev1.Secret{}
		current.Labels, current.Annotations = object.Labels, map[string]string{bindingAnnotation: choices}
		for secret, note := range AnnotationsOf(object.Annotations) {
			again := AnnotationsOf(map[string]string{annotationPrefix + secret: note.Value()})
			if note.Generation > 0 { // the old format allowed others
				assert.Equal(t, note.Value(), again[secret].Value())
			}
		}
		for _, one := range []*corev1.Secret{object, current} {
			marks, ok := MarksOf(one)
			if !ok || marks.Generation < 1 {
				continue
			}
			written := one.DeepCopy()
			marks.write(written)
			again, ok := MarksOf(written)
			require.True(t, ok)
			assert.Equal(t, marks.Value(), again.Value())
			assert.NotContains(t, written.Annotations, prefix+"generation")
		}
	})
}

func FuzzSource(f *testing.F) {
	for _, seed := range []string{"", "stdin", "secret/name:key", "configmap/name:key", "secret/../x:y", "secret/a:b:c", "hunter2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source, err := ParsePasswordSource(text)
		if err != nil {
			assert.False(
				t, len(text) > 8 && strings.Contains(err.Error(), text),
				"the error does not contain the text, which may be a password",
			)
		} else {
			assert.Equal(t, text, source.String())
		}
		if certificate, err := ParseCertificateSource(text); err == nil {
			assert.Equal(t, text, certificate.String())
		}
	})
}
