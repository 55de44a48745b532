package credentials

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Key is something that a Secret may hold beside host, user name and password, as --key names it.
type Key string

// The keys that can be asked for. Port and database come along by themselves where they are not the usual ones.
const (
	KeyPort     Key = "port"
	KeyDatabase Key = "database"
	KeyURI      Key = "uri"
	KeyJDBC     Key = "jdbc"
	KeyPgpass   Key = "pgpass"
)

// Names of keys that are files rather than variables.
const (
	pgpassFile = ".pgpass"
	CAFile     = "ca.crt" // the certificates of the server's authority
)

const (
	usualPort     = 5432
	usualDatabase = "postgres"
)

func allKeys() []Key { return []Key{KeyPort, KeyDatabase, KeyURI, KeyJDBC, KeyPgpass} }

// ParseKey returns the key of that name, or an error that lists the names.
func ParseKey(name string) (Key, error) {
	if key := Key(name); slices.Contains(allKeys(), key) {
		return key, nil
	}
	return "", fmt.Errorf("key %q is unknown: use port, database, uri, jdbc, pgpass or servicebinding", name)
}

// KnownKeys are those of the names that ParseKey knows.
func KnownKeys(names []string) []Key {
	var keys []Key
	for _, name := range names {
		if key, err := ParseKey(name); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// entry is the name under which the Secret holds a key, and its value.
func (c Credentials) entry(key Key) (name, value string) {
	switch key {
	case KeyPort:
		return "POSTGRES_PORT", c.port()
	case KeyDatabase:
		return "POSTGRES_DB", c.database()
	case KeyURI:
		return "POSTGRES_URI", c.URI()
	case KeyJDBC:
		return "POSTGRES_JDBC_URL", c.jdbc()
	}
	return pgpassFile, c.pgpass()
}

// data is what a Secret holds: the three keys of every Secret, what differs from the usual, and the keys that were asked for.
func (c Credentials) data(keys []Key) map[string][]byte {
	data := map[string][]byte{KeyHost: []byte(c.Host), KeyUsername: []byte(c.Username), KeyPassword: []byte(c.Password)}
	if c.port() != strconv.Itoa(usualPort) {
		keys = append(slices.Clip(keys), KeyPort)
	}
	if c.database() != usualDatabase {
		keys = append(slices.Clip(keys), KeyDatabase)
	}
	for _, key := range keys {
		name, value := c.entry(key)
		data[name] = []byte(value)
	}
	if c.CA != "" {
		data[CAFile] = []byte(c.CA)
	}
	return data
}

// VariablesOf lists the keys of a Secret's data that can be variables, in order; the others are files.
func VariablesOf(data map[string][]byte) []string {
	var names []string
	for name := range data {
		if len(validation.IsCIdentifier(name)) == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c Credentials) port() string     { return strconv.Itoa(int(c.LoginPort())) }
func (c Credentials) database() string { return cmp.Or(c.Database, usualDatabase) }

// URI is the connection URI of libpq and most drivers; everything in it is escaped.
func (c Credentials) URI() string {
	u := c.url("postgresql", url.Values{})
	u.User = url.UserPassword(c.Username, c.Password)
	return u.String()
}

// jdbc is the URL of the Java driver, which reads user and password as parameters.
func (c Credentials) jdbc() string {
	u := c.url("postgresql", url.Values{"user": {c.Username}, "password": {c.Password}})
	return "jdbc:" + u.String()
}

func (c Credentials) url(scheme string, parameters url.Values) url.URL {
	if c.SSLMode != "" {
		parameters.Set("sslmode", c.SSLMode)
	}
	if c.CAPath != "" {
		parameters.Set("sslrootcert", c.CAPath)
	}
	return url.URL{
		Scheme: scheme, Host: net.JoinHostPort(c.Host, c.port()),
		Path: "/" + c.database(), RawPath: "/" + strings.ReplaceAll(url.PathEscape(c.database()), "+", "%2B"),
		// libpq takes a plus sign for itself, the Java driver for a space.
		RawQuery: strings.ReplaceAll(parameters.Encode(), "+", "%20"),
	}
}

// pgpass is a line of libpq's password file.
func (c Credentials) pgpass() string {
	fields := []string{c.Host, c.port(), c.database(), c.Username, c.Password}
	for i, field := range fields {
		fields[i] = strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(field)
	}
	return strings.Join(fields, ":") + "\n"
}
