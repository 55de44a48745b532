//nolint:gosec // the passwords are examples
package keys

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileLogin is a login whose values need escapes everywhere.
func hostileLogin() Values {
	return Values{
		Host: "::1", Port: 6432, Database: "sh/op", Username: `u:s er`, Password: `p'a"s\s;w=o%r&d+@ {{.Host}}`,
		SSLMode: "verify-full", CAPath: "/run/my db/ca.crt",
	}
}

func render(t *testing.T, text string, v Values) string {
	t.Helper()
	parsed, err := Parse("NAME", text)
	require.NoError(t, err, text)
	value, err := parsed.Render(v)
	require.NoError(t, err, text)
	return value
}

func TestParse_RefusesNames(t *testing.T) {
	for _, name := range []string{"", "A B", "A=B", "1A", "{{.Password}}", "A{{.Host}}", "Ä", ".."} {
		_, err := Parse(name, "{{.Host}}")
		require.ErrorContains(t, err, "invalid variable name", name)
	}
	for _, name := range []string{"DATABASE_URL", "GITEA__database__HOST", "spring.datasource.url", "db-host"} {
		_, err := Parse(name, "{{.Host}}")
		require.NoError(t, err, name)
	}
}

func TestParse_RefusesTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "empty",
		"{{/* nothing */}}":                 "empty",
		"{{if not .Host}}x{{end}}":          "its value is empty",
		"{{.Host":                           "unclosed action",
		"{{.Hots}}":                         "unknown value .Hots: use .Host",
		"{{.Host.Name}}":                    "unknown value .Host.Name",
		"{{.String}}":                       "unknown value .String",
		"{{.}}":                             "not available",
		"{{$}}":                             "not available",
		"{{$x := .Host}}{{$x}}":             "not available",
		"{{(.Host).Name}}":                  "not available",
		"{{range .Host}}x{{end}}":           "not available",
		"{{range 1000000000}}x{{end}}":      "not available",
		"{{with .Host}}{{.}}{{end}}":        "not available",
		`{{define "a"}}x{{end}}`:            "define and block are not available",
		`{{define "a"}}x{{end}}y`:           "define and block are not available",
		`{{block "a" .}}x{{end}}`:           "not available",
		`{{template "a"}}`:                  "not available",
		`{{printf "%v" .}}`:                 "function printf is not available: use urlquery",
		"{{call .Host}}":                    "function call is not available",
		"{{index .Password 0}}":             "function index is not available",
		"{{nothing}}":                       `function "nothing" not defined`,
		"{{urlquery}}":                      "wrong number of args",
		"{{eq .Port .Host}}":                "incompatible types",
		"{{if .Host}}{{template 1}}{{end}}": "unexpected",
	} {
		_, err := Parse("NAME", text)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "template of NAME", text)
	}
}

func TestRender(t *testing.T) {
	v := Values{Host: "h", Username: "u", Password: "a b+c", SSLMode: "require"}
	for text, want := range map[string]string{
		"{{.Host}}:{{.Port}}/{{.Database}}":                            "h:5432/postgres",
		"postgresql+asyncpg://{{urlquery .Password}}@{{.Address}}":     "postgresql+asyncpg://a%20b%2Bc@h:5432",
		"{{.ShortAddress}}":                                            "h",
		"{{.Password | urlquery}}":                                     "a%20b%2Bc",
		`{{if eq .SSLMode "require"}}yes{{else}}no{{end}}`:             "yes",
		`{{if and .CAPath (ne .Port 5432)}}a{{else if .Host}}b{{end}}`: "b",
		`{"host": "{{.Host}}"}`:                                        `{"host": "h"}`,
		"{{.URI}}":                                                     "postgresql://u:a%20b%2Bc@h:5432/postgres?sslmode=require",
		"{{.JDBC}}": "jdbc:postgresql://h:5432/postgres?password=a%20b%2Bc&sslmode=require&" +
			"user=u",
		"{{conninfo .Password}} {{dotnet .Password}} {{pgpass .Password}}": `'a b+c' "a b+c" a b+c`,
	} {
		assert.Equal(t, want, render(t, text, v), text)
	}
	assert.Equal(t, "[::1]:6432 [::1]:6432", render(t, "{{.Address}} {{.ShortAddress}}", hostileLogin()))
	assert.Equal(t, "[::1]", render(t, "{{.ShortAddress}}", Values{Host: "::1"}))
}

func TestRender_RefusesWithoutThePassword(t *testing.T) {
	for _, text := range []string{
		`{{if ne .Password "password"}}{{eq .Port .Password}}{{else}}x{{end}}`, // fails only with a login that is not the sample
		`{{if eq .Password "password"}}x{{end}}`,                               // is empty only then
	} {
		parsed, err := Parse("NAME", text)
		require.NoError(t, err)
		_, err = parsed.Render(Values{Host: "h", Username: "u", Password: "hunter2"})
		require.ErrorContains(t, err, "template of NAME")
		assert.NotContains(t, err.Error(), "hunter2")
		_, err = RenderAll([]Template{parsed}, Values{Password: "hunter2"})
		require.Error(t, err)
	}
}

func TestValues_HideThePassword(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(format, hostileLogin()), hostileLogin().Password)
	}
}

// FuzzRender renders a login and reads it as the readers of each form do.
func FuzzRender(f *testing.F) {
	f.Add("db.shop.svc", "user", "password", "shop", "require")
	f.Add("10.0.0.1", `u:s/e?r@`, `p'a"s\s:w#o%r&d+ =`, `d/a:t\a?b#ase`, "")
	f.Add("::1", "ü", "~;'", "../x", "verify-full")
	f.Add("::1", "{{.Host}}", "a+b=;", "\n", "a&b")
	f.Fuzz(func(t *testing.T, host, user, password, database, mode string) {
		if host != "db.shop.svc" && host != "10.0.0.1" && host != "::1" || user == "" || password == "" || database == "" {
			return
		}
		v := Values{Host: host, Port: 6432, Username: user, Password: password, Database: database, SSLMode: mode}
		want := []string{host, "6432", database, user, password}

		text := render(t, "{{.URI}}", v)
		assert.NotContains(t, text, "+", "readers disagree on the meaning of a plus sign")
		u, err := url.Parse(text)
		require.NoError(t, err)
		again, _ := u.User.Password()
		assert.Equal(t, want, []string{u.Hostname(), u.Port(), u.Path[1:], u.User.Username(), again})
		assert.Equal(t, mode, u.Query().Get("sslmode"))

		j, err := url.Parse(strings.TrimPrefix(render(t, "{{.JDBC}}", v), "jdbc:"))
		require.NoError(t, err)
		assert.Equal(t, want, []string{j.Hostname(), j.Port(), j.Path[1:], j.Query().Get("user"), j.Query().Get("password")})

		conninfo := render(t, "host={{conninfo .Host}} port={{.Port}} dbname={{conninfo .Database}} user={{conninfo .Username}} "+
			"password={{conninfo .Password}}", v)
		assert.Equal(t, want, words(conninfo, []string{"host", "port", "dbname", "user", "password"}))

		ado := render(t, "Host={{dotnet .Host}};Port={{.Port}};Database={{dotnet .Database}};User={{dotnet .Username}};"+
			"Pwd={{dotnet .Password}}", v)
		assert.Equal(t, want, settingsOf(ado, []string{"Host", "Port", "Database", "User", "Pwd"}))

		line := render(t, pgpassLine, v)
		assert.Equal(t, want, pgpassFields(strings.TrimSuffix(line, "\n")))
	})
}

// words reads a connection string of libpq, as its documentation describes it.
func words(text string, keywords []string) []string {
	var values []string
	for _, keyword := range keywords {
		text = strings.TrimPrefix(strings.TrimLeft(text, " "), keyword+"=")
		quoted := strings.HasPrefix(text, "'")
		text = strings.TrimPrefix(text, "'")
		var value strings.Builder
		i := 0
		for ; i < len(text); i++ {
			if quoted && text[i] == '\'' || !quoted && text[i] == ' ' {
				i++
				break
			}
			if text[i] == '\\' && i+1 < len(text) {
				i++
			}
			value.WriteByte(text[i])
		}
		text = text[i:]
		values = append(values, value.String())
	}
	return values
}

// settingsOf reads a connection string of .NET.
func settingsOf(text string, keywords []string) []string {
	var values []string
	for _, keyword := range keywords {
		text = strings.TrimPrefix(strings.TrimPrefix(text, ";"), keyword+"=")
		value, rest, _ := strings.Cut(text, ";")
		if strings.HasPrefix(text, `"`) {
			end := 1
			for {
				end += strings.IndexByte(text[end:], '"') + 1
				if end == len(text) || text[end] != '"' {
					break
				}
				end++
			}
			value, rest = strings.ReplaceAll(text[1:end-1], `""`, `"`), strings.TrimPrefix(text[end:], ";")
		}
		values = append(values, value)
		text = rest
	}
	return values
}

// pgpassFields reads a line of a password file as libpq does.
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
