package postgres

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile is what has a meaning of its own somewhere between a command line and a server.
func hostile() []string {
	return []string{
		"",
		"plain",
		"'",
		`"`,
		`\'`,
		"a\nb",
		"\r\n",
		"\t",
		"$$",
		"$(id)",
		"`id`",
		":'x'",
		`:"x"`,
		`:{?x}`,
		"\\gset",
		"\\! id",
		"--",
		"/*",
		"; DROP ROLE postgres",
		"\x00",
		"\x7f",
		"ü",
		"\u2028",
		"e\u0301",
		"\xff\xfe",
		"host=evil",
		"dbname='x'",
		"postgresql://evil/x",
		"%00",
		"%s",
		"a b",
		" a ",
		"-U",
		"#",
		"*",
		"{}",
		"[1]",
		"null",
		"~",
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed)
	}
	harmless := regexp.MustCompile(`^'([A-Za-z0-9]|\\[0-3][0-7][0-7])*'$`)
	octal := regexp.MustCompile(`\\[0-3][0-7][0-7]`)
	f.Fuzz(func(t *testing.T, value string) {
		quoted := quote(value)
		assert.Regexp(t, harmless, quoted)
		assert.Equal(t, value, octal.ReplaceAllStringFunc(strings.Trim(quoted, "'"), func(code string) string {
			b, err := strconv.ParseUint(code[1:], 8, 8)
			require.NoError(t, err)
			return string([]byte{byte(b)})
		}))
	})
}

func FuzzConninfo(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		read, rest := libpqValue(conninfo(value) + " next='x'")
		assert.Equal(t, value, read)
		assert.Equal(t, " next='x'", rest)
	})
}

// libpqValue reads the value of a connection string's parameter as libpq does, and returns what follows it.
func libpqValue(text string) (value, rest string) {
	var read strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\'':
			return read.String(), text[i+1:]
		case '\\':
			i++
		}
		read.WriteByte(text[i])
	}
	return read.String(), ""
}

// FuzzReport feeds what a container says, whoever runs it, to what reads it.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		"", "pgbind ", "pgbind {}", "pgbind null\n", `pgbind {"end":"run"}` + "\n", `pgbind {"about":0}` + "\n" + `pgbind {"login":{"method":"trust"}}` + "\n",
		`pgbind {"holder":null,"did":"x"}` + "\n", `pgbind {"end":1}` + "\n", `pgbind {"created":99999999999999999999}` + "\n", "noise\npgbind {\"host\":\"h\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := parse(strings.NewReader(text))
		require.NotNil(t, out)
		if err == nil && out.End != "" {
			assert.Contains(t, text, reportPrefix, "the last word is one of the script's")
		}
		batch := &batch{requests: make([]Request, 2), session: out}
		batch.split()
		assert.Len(t, batch.outputs, 2)
		_, _ = out.created()
		_, _ = parseAuth(bytes.NewBufferString(text))
		assert.LessOrEqual(t, strings.Count(message(text), "\n"), 0)
		out.stderr = text
		if refused := out.sqlError(); refused != nil {
			assert.Len(t, refused.State, 5)
		}
	})
}

func FuzzOwner(f *testing.F) {
	f.Add("id", "ns", "uid", "run")
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, id, namespace, uid, run string) {
		comment := Owner{ID: id, Run: run, Namespace: namespace, NamespaceUID: uid}.mark()
		read, ok := parseOwner(comment)
		word := regexp.MustCompile(`^[a-z0-9-]+$`)
		if word.MatchString(id) && word.MatchString(namespace) && word.MatchString(uid) && word.MatchString(run) {
			assert.True(t, ok)
			assert.Equal(t, Owner{ID: id, Run: run, Namespace: namespace, NamespaceUID: uid}, read)
		}
		_, ok = parseOwner(id)
		assert.False(t, ok && !strings.Contains(id, markVersion))
	})
}

func FuzzAccessRole(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed, "public")
	}
	f.Fuzz(func(t *testing.T, database, schema string) {
		a := Access{Database: database, Schemas: []string{schema}, Level: ReadOnly}
		assert.Regexp(t, `^[a-z0-9_]{1,63}$`, a.Role(), "it needs no quoting and is not cut short")
		require.NoError(t, CheckRoleName(a.Role()))
		assert.NotEqual(t, a.Role(), Access{Database: database + "x", Schemas: []string{schema}, Level: ReadOnly}.Role())
		assert.NotContains(t, a.claim(), "\n")
	})
}

func FuzzRoleName(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckRoleName(name) == nil {
			assert.True(t, utf8.ValidString(name) && name != "" && len(name) <= maxNameBytes)
			assert.NotContains(t, name, "\n", "roles are given to createuser a line each")
		}
	})
}

func FuzzVerifier(f *testing.F) {
	for _, seed := range hostile() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, password string) {
		verifier, err := Verifier(password)
		if err != nil {
			assert.Empty(t, verifier)
			assert.False(t, len(password) > 3 && strings.Contains(err.Error(), password), "the error does not repeat it")
			return
		}
		assert.Regexp(t, `^SCRAM-SHA-256\$4096:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$`, verifier)
	})
}

// FuzzPrompt cuts what psql writes into pieces at any place: what is passed on does not depend on it, and the question is not in it.
func FuzzPrompt(f *testing.F) {
	f.Add("Password: \r\nrows", uint8(3))
	f.Add("noise Password: \nrows\nPassword: ", uint8(1))
	f.Add("Passwor", uint8(2))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		whole, pieces := prompted(t, text, len(text)), prompted(t, text, int(size))
		assert.Equal(t, whole, pieces)
	})
}

func prompted(t *testing.T, text string, size int) string {
	t.Helper()
	var passed bytes.Buffer
	p := newPrompt("Password: ")
	to := p.output(&passed)
	for rest := []byte(text); len(rest) > 0; {
		n := min(max(size, 1), len(rest))
		_, err := to.Write(rest[:n])
		require.NoError(t, err)
		rest = rest[n:]
	}
	p.end()
	return passed.String()
}
