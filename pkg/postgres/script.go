package postgres

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// script is what one psql session reads: our own files, word for word, and between them values as psql variables.
type script struct {
	text strings.Builder
	err  error
}

// run appends files of the sql folder.
func (s *script) run(names ...string) *script {
	for _, name := range names {
		text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
		if err != nil && s.err == nil {
			s.err = fmt.Errorf("read the SQL script %s: %w", name, err)
		}
		s.text.Write(text)
	}
	return s
}

// set gives psql variables, as pairs of name and value.
func (s *script) set(pairs ...string) *script {
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&s.text, "\\set %s %s\n", pairs[i], quote(pairs[i+1]))
	}
	return s
}

// connect goes on in another database of the same server, as the same user.
func (s *script) connect(database string) *script {
	return s.set("conn", "dbname="+conninfo(database)).run("database")
}

// keepHost keeps the host of a binding for later, and takeHost gives it back: it is completed by what only the administrator may read.
func (s *script) keepHost(number int) *script {
	fmt.Fprintf(&s.text, "\\set host_%d :host\n", number)
	return s
}

func (s *script) takeHost(number int) *script {
	fmt.Fprintf(&s.text, "\\set host :host_%d\n", number)
	return s
}

// password gives the next \connect its password, in psql's own memory: not in its arguments, nor to the server.
func (s *script) password(clear string) *script {
	fmt.Fprintf(&s.text, "\\setenv PGPASSWORD %s\n", quote(clear))
	return s
}

// quote writes a value for a psql meta-command. All but letters and digits is written as octal bytes, so that nothing in it means anything to psql.
func quote(value string) string {
	var out strings.Builder
	out.WriteByte('\'')
	for _, b := range []byte(value) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' {
			out.WriteByte(b)
		} else {
			fmt.Fprintf(&out, "\\%03o", b)
		}
	}
	out.WriteByte('\'')
	return out.String()
}

// conninfo writes a value for a libpq connection string.
func conninfo(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
