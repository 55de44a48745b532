package keys

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Part is a part of a login that a variable holds.
type Part string

// The parts of a login.
const (
	PartHost     Part = "host"
	PartPort     Part = "port"
	PartDatabase Part = "database"
	PartUsername Part = "username"
	PartPassword Part = "password"
)

// form is a value that was taken apart: the template that renders it again, and the parts as they are without quotes and escapes.
type form struct {
	template string
	parts    map[Part]string
	unclear  bool // it has a part twice, or in a form that readers understand differently
}

// parseForm takes apart a connection URI, a connection string of libpq or one of .NET. Other values are not forms.
func parseForm(value string) (form, bool) {
	for _, parse := range []func(string) (form, bool){parseURI, parseConninfo, parseADO} {
		if f, ok := parse(value); ok {
			return f, true
		}
	}
	return form{}, false
}

func (f *form) literal(text string) {
	// Two braces begin an action, also if one of them is from the text before.
	f.template += strings.ReplaceAll(text, "{", `{{"{"}}`)
}

func (f *form) field(part Part, action, value string) {
	f.template += "{{" + action + "}}"
	f.set(part, value)
}

func (f *form) set(part Part, value string) {
	if f.parts == nil {
		f.parts = map[Part]string{}
	}
	if _, ok := f.parts[part]; ok || value == "" {
		f.unclear = true
	}
	f.parts[part] = value
}

// address adds a host, with or without a port, as URLs have them.
func (f *form) address(text string) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		f.field(PartHost, ".ShortAddress", strings.Trim(text, "[]"))
		f.unclear = f.unclear || strings.ContainsAny(text, ",") || strings.Contains(text, ":") != strings.HasPrefix(text, "[")
		return
	}
	f.field(PartHost, ".Address", host)
	f.set(PartPort, port)
	f.unclear = f.unclear || !isPort(port) || strings.Contains(host, ",") // several hosts
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0 && text == strconv.FormatUint(port, 10)
}

var (
	// Scheme, user, password, host and port, path, query. There is no fragment: a "#" in a password must be escaped.
	uriPattern = regexp.MustCompile(
		`^((?:[A-Za-z][A-Za-z0-9+.-]*:)+//)?(?:([^:@/?#]*)(:[^@/?#]*)?@)?([\w.,:%\[\]-]*)(/[^/?#]*)?(\?[^#]*)?$`,
	)

	// Space, keyword, equals sign, value.
	conninfoPattern = regexp.MustCompile(`(?s)^(\s*)([a-z_]+)(\s*=\s*)('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)+)`)

	// Space, keyword, equals sign, value, semicolon.
	adoPattern = regexp.MustCompile(
		`^(\s*)([A-Za-z][A-Za-z ]*)(\s*=\s*)("(?:[^"]|"")*"|'(?:[^']|'')*'|[^;"'\s](?:[^;]*[^;\s])?)?(\s*(?:;|$))`,
	)

	escapedConninfo = regexp.MustCompile(`(?s)\\(.)`)
)

// parseURI takes apart a URI of PostgreSQL, such as postgresql+asyncpg://user:password@host:5432/db?ssl=true. Without a scheme it has to
// have a user and a password, because anything could be a host with a path.
func parseURI(value string) (form, bool) {
	match := uriPattern.FindStringSubmatch(value)
	if match == nil || !isScheme(match[1]) || match[4] == "" || match[1] == "" && match[3] == "" {
		return form{}, false
	}
	f := form{}
	f.literal(match[1])
	if user := match[2]; user != "" {
		f.escaped(PartUsername, user)
	}
	if password := match[3]; password != "" {
		f.literal(":")
		f.escaped(PartPassword, password[1:])
	}
	if match[2]+match[3] != "" {
		f.literal("@")
	}
	f.address(match[4])
	if path := match[5]; path != "" {
		f.literal("/")
		if path != "/" {
			f.escaped(PartDatabase, path[1:])
		}
	}
	if match[6] != "" {
		f.query(match[6][1:])
	}
	return f, true
}

// isScheme reports whether a URI is one of PostgreSQL: a driver or a framework can stand before or after the name.
func isScheme(prefix string) bool {
	words := strings.FieldsFunc(strings.ToLower(prefix), func(r rune) bool { return r == ':' || r == '+' || r == '/' })
	return len(words) == 0 || slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains([]string{"postgres", "postgresql", "postgis", "psql", "pgsql", "pg", "ecto"}, word)
	})
}

func (f *form) escaped(part Part, raw string) {
	value, err := url.PathUnescape(raw)
	f.unclear = f.unclear || err != nil
	f.field(part, "urlquery "+fieldOf(part), value)
}

// query adds the parameters of a URI. JDBC has user and password there.
func (f *form) query(text string) {
	f.literal("?")
	for i, parameter := range strings.Split(text, "&") {
		if i > 0 {
			f.literal("&")
		}
		name, raw, _ := strings.Cut(parameter, "=")
		switch part := map[string]Part{"user": PartUsername, "password": PartPassword}[name]; {
		case part != "":
			f.literal(name + "=")
			f.escaped(part, raw)
			f.unclear = f.unclear || strings.Contains(raw, "+") // a space or a plus sign, as the reader likes
		default:
			f.literal(parameter)
			f.unclear = f.unclear || slices.Contains([]string{"host", "hostaddr", "port", "dbname", "service"}, name)
		}
	}
}

func fieldOf(part Part) string {
	return map[Part]string{
		PartHost: ".Host", PartPort: ".Port", PartDatabase: ".Database", PartUsername: ".Username", PartPassword: ".Password",
	}[part]
}

// parseConninfo takes apart a connection string of libpq, such as "host=db user=shop password='a b'".
func parseConninfo(value string) (form, bool) {
	f, rest := form{}, value
	for {
		match := conninfoPattern.FindStringSubmatch(rest)
		if match == nil {
			break
		}
		rest = rest[len(match[0]):]
		f.literal(match[1] + match[2] + match[3])
		part := map[string]Part{
			"host": PartHost, "port": PartPort, "dbname": PartDatabase, "user": PartUsername, "password": PartPassword,
		}[match[2]]
		if part == "" {
			f.literal(match[4])
			f.unclear = f.unclear || match[2] == "hostaddr" || match[2] == "service"
			continue
		}
		f.keyword(part, "conninfo", unquoteConninfo(match[4]))
	}
	f.literal(rest)
	ado := strings.Contains(f.parts[PartHost], ";")
	return f, strings.TrimSpace(rest) == "" && f.isConnection() && !ado
}

func unquoteConninfo(raw string) string {
	if strings.HasPrefix(raw, "'") {
		raw = raw[1 : len(raw)-1]
	}
	return escapedConninfo.ReplaceAllString(raw, "$1")
}

// parseADO takes apart a connection string of .NET, such as "Host=db;Username=shop;Password=secret".
func parseADO(value string) (form, bool) {
	f, rest := form{}, value
	for strings.TrimSpace(rest) != "" {
		match := adoPattern.FindStringSubmatch(rest)
		if match == nil {
			return form{}, false
		}
		rest = rest[len(match[0]):]
		f.literal(match[1] + match[2] + match[3])
		if part := keywordADO(match[2]); part == "" {
			f.literal(match[4])
		} else {
			f.keyword(part, "dotnet", unquoteADO(match[4]))
		}
		f.literal(match[5])
	}
	f.literal(rest)
	return f, f.isConnection()
}

func keywordADO(name string) Part {
	return map[string]Part{
		"host": PartHost, "server": PartHost, "port": PartPort, "database": PartDatabase, "db": PartDatabase,
		"username": PartUsername, "userid": PartUsername, "uid": PartUsername, "user": PartUsername,
		"password": PartPassword, "pwd": PartPassword, "psw": PartPassword,
	}[strings.ReplaceAll(strings.ToLower(name), " ", "")]
}

func unquoteADO(raw string) string {
	for _, quote := range []string{`"`, `'`} {
		if strings.HasPrefix(raw, quote) {
			return strings.ReplaceAll(raw[1:len(raw)-1], quote+quote, quote)
		}
	}
	return raw
}

// keyword adds the value of a keyword of a connection string.
func (f *form) keyword(part Part, function, value string) {
	action := function + " " + fieldOf(part)
	if part == PartPort {
		action = fieldOf(part)
		f.unclear = f.unclear || !isPort(value)
	}
	f.unclear = f.unclear || part == PartHost && strings.ContainsAny(value, ",:/") // several hosts, host and port, a socket
	f.field(part, action, value)
}

// isConnection reports whether a connection string has a host and something else of a login.
func (f *form) isConnection() bool { return f.parts[PartHost] != "" && len(f.parts) > 1 }

// values returns the parts as values of templates.
func (f *form) values() Values {
	v := Values{
		Host: f.parts[PartHost], Database: f.parts[PartDatabase], Username: f.parts[PartUsername], Password: f.parts[PartPassword],
	}
	if port, err := strconv.ParseUint(f.parts[PartPort], 10, 16); err == nil {
		v.Port = int32(port)
	}
	return v
}

// rendersAgain reports whether the template gives the value again: the same text, apart from the choice of escapes and quotes.
func (f *form) rendersAgain(value string) bool {
	t, err := Parse("VALUE", f.template)
	if err != nil {
		return false
	}
	rendered, err := t.Render(f.values())
	if err != nil {
		return false
	}
	if rendered == value {
		return true
	}
	again, ok := parseForm(rendered)
	return ok && !again.unclear && again.template == f.template && again.values() == f.values()
}
