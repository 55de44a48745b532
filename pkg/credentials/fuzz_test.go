package credentials

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// FuzzCredentials parses a connection URI, a JDBC URL and a pgpass line as their readers do.
func FuzzCredentials(f *testing.F) {
	f.Add("db.shop.svc", "user", "password", "shop")
	f.Add("10.0.0.1", `u:s/e?r@`, `p'a"s\s:w#o%r&d+ =`, `d/a:t\a?b#ase`)
	f.Add("::1", "ü", "~", "../x")
	f.Add("::1", "a+b", "c+d", "e+f")
	f.Fuzz(func(t *testing.T, host, user, password, database string) {
		if !utf8.ValidString(user+password+database) || host != "db.shop.svc" && host != "10.0.0.1" && host != "::1" || database == "" {
			return // not a possible name or host
		}
		c := Credentials{Host: host, Username: user, Password: password, Database: database, Port: 6432, SSLMode: "require", CAPath: "/ca.crt"}
		uri, err := url.Parse(c.URI())
		require.NoError(t, err)
		again, _ := uri.User.Password()
		assert.Equal(t, []string{host, "6432", user, password, "/" + database}, []string{uri.Hostname(), uri.Port(), uri.User.Username(), again, uri.Path})
		for _, text := range []string{uri.EscapedPath(), uri.RawQuery, c.jdbc()} {
			assert.NotContains(t, text, "+", "readers disagree on the meaning of a plus sign")
		}
		assert.Equal(t, url.Values{"sslmode": {"require"}, "sslrootcert": {"/ca.crt"}}, uri.Query())

		java, err := url.Parse(strings.TrimPrefix(c.jdbc(), "jdbc:"))
		require.NoError(t, err)
		assert.Equal(t, []string{user, password, "/" + database}, []string{java.Query().Get("user"), java.Query().Get("password"), java.Path})

		assert.Equal(t, []string{host, "6432", database, user, password}, pgpassFields(strings.TrimSuffix(c.pgpass(), "\n")))
		assertRenewed(t, c)
	})
}

// pgpassFields parses a line as libpq does.
func pgpassFields(line string) []string {
	fields, field := []string{}, strings.Builder{}
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == ':':
			fields = append(fields, field.String())
			field.Reset()
			continue
		case line[i] == '\\' && i+1 < len(line):
			i++
		}
		field.WriteByte(line[i])
	}
	return append(fields, field.String())
}

// assertRenewed writes credentials to a Secret and changes only the password. The other values must stay.
func assertRenewed(t *testing.T, c Credentials) {
	t.Helper()
	marks := Marks{ID: "id", Generation: 1}
	secret := NewSecret(types.NamespacedName{Namespace: "ns", Name: "s"}, marks, c, allKeys()...)
	before := secret.DeepCopy()
	Renew(secret, marks, Credentials{Host: c.Host, Username: c.Username, Password: c.Password})
	assert.Equal(t, before, secret)
}

// FuzzMarks reads arbitrary metadata and writes it again.
func FuzzMarks(f *testing.F) {
	f.Add("id", "1", `["a"]`, `{"inject":"env"}`, "2026-01-02T03:04:05Z")
	f.Add("", "x", "null", "[]", "never")
	f.Fuzz(func(t *testing.T, id, generation, schemas, choices, expires string) {
		object := &corev1.Secret{}
		object.Labels = map[string]string{ManagedByLabel: ManagedBy}
		object.Annotations = map[string]string{
			prefix + "id": id, prefix + "generation": generation, prefix + "schemas": schemas, prefix + "choices": choices, prefix + "expires": expires,
			annotationPrefix + "name": choices,
		}
		for secret, note := range AnnotationsOf(object.Annotations) {
			value, err := note.Value()
			require.NoError(t, err)
			assert.Equal(t, map[string]Annotation{secret: note}, AnnotationsOf(map[string]string{annotationPrefix + secret: value}))
		}
		marks, ok := MarksOf(object)
		if !ok {
			return
		}
		written := &corev1.Secret{}
		marks.write(written)
		again, ok := MarksOf(written)
		require.True(t, ok)
		assert.Equal(t, marks.annotations(), again.annotations())
		assert.Empty(t, again.Changed(written))
	})
}

func FuzzSource(f *testing.F) {
	for _, seed := range []string{"", "stdin", "secret/name:key", "configmap/name:key", "secret/../x:y", "secret/a:b:c", "hunter2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source, err := ParsePasswordSource(text)
		if err != nil {
			assert.False(t, len(text) > 8 && strings.Contains(err.Error(), text), "the error does not contain the text, which may be a password")
		} else {
			assert.Equal(t, text, source.String())
		}
		if certificate, err := ParseCertificateSource(text); err == nil {
			assert.Equal(t, text, certificate.String())
		}
	})
}
