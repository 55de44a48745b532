package postgres

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// script is what one psql session reads: our own files, word for word, and between them values as psql variables.
type script struct {
	text      strings.Builder
	err       error
	maintains bool   // whether the session begins in the maintenance database, and not in that of the server
	database  string // where the session is; empty: unknown
	parts     []int  // the numbers of the items, in the order of their parts
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

// copy sets a psql variable to the value of another one.
func (s *script) copy(to, from string) *script {
	fmt.Fprintf(&s.text, "\\set %s :%s\n", to, from)
	return s
}

// enter continues in another database of the same server, as the same user, unless the session is there already.
func (s *script) enter(database string) *script {
	if s.database == database {
		return s
	}
	s.database = database
	return s.set("conn", "dbname="+conninfo(database)).run("connect", "set_encoding", "begin_session")
}

// owner names the binding whose login roles follow, and its owner role.
func (s *script) owner(o Owner) {
	s.set("claim", o.claim(), "owner_role", o.Role(), "owner_claim", o.roleClaim(), "owner_mark", o.roleClaim()+"run="+o.Run)
}

// connectTimeout limits each login over the network. A busy server needs seconds to start a session: 50 binds at once on two processors
// took more than 5.
const connectTimeout = "connect_timeout=15"

// subject is a role that a script is about to touch.
type subject struct {
	Name  string `json:"name"`
	Claim string `json:"claim"` // how its comment begins if it is ours
	OID   int64  `json:"oid"`   // 0: any
	Adopt bool   `json:"adopt"` // it can be a role without a comment
}

// subjects names the roles that are judged next; where it is one, it is also the subject of what follows.
func (s *script) subjects(all ...subject) *script {
	if len(all) == 1 {
		s.set("subject", all[0].Name)
	}
	return s.set("subjects", s.json(all))
}

// json writes a table as the SQL scripts read it.
func (s *script) json(table any) string {
	text, err := json.Marshal(table)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("write a table for an SQL script: %w", err)
	}
	return string(text)
}

// address gives the login that follows. A host that is not complete gets the domain that the database Pod reported.
func (s *script) address(l Login, role, database string) *script {
	login := connectTimeout + " application_name=kubectl-pgbind user=" + conninfo(role) + " dbname=" + conninfo(database)
	ways := " port=" + strings.Join(l.ports(), ",")
	if addresses := l.addresses(); addresses != nil {
		ways += " hostaddr=" + conninfo(strings.Join(addresses, ","))
	}
	first, domain, rest := l.Host, "", strings.TrimPrefix(strings.Join(l.hosts(), ","), l.Host)
	if l.Host != "" && !l.HostComplete {
		domain = ":of_domain "
	}
	fmt.Fprintf(&s.text, "\\set conn %s %s%s\n", quote("host='"+escape(first)), domain, quote(escape(rest)+"'"+ways+" "+login))
	return s
}

// keep has psql remember the password of one of several logins. It must come before the first of them: the server of a login may have psql
// send it the rest of the script.
func (s *script) keep(number int, clear string) {
	fmt.Fprintf(&s.text, "\\set password_%d %s\n", number, quote(clear))
}

// kept gives the next \connect a password that was kept.
func (s *script) kept(number int) *script {
	fmt.Fprintf(&s.text, "\\setenv PGPASSWORD :password_%d\n", number)
	return s
}

// password gives the next \connect its password, in psql's own memory: not in its arguments, nor to the server.
func (s *script) password(clear string) *script {
	fmt.Fprintf(&s.text, "\\setenv PGPASSWORD %s\n", quote(clear))
	return s
}

// quote writes a value for a psql meta-command. All but letters and digits is written as octal bytes, so that nothing
// in it means anything to psql.
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
func conninfo(value string) string { return "'" + escape(value) + "'" }

// escape writes what is between the quotes of a value of a libpq connection string.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
