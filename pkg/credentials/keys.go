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

// Key names an optional value of a Secret, in addition to host, user name and password.
type Key string

// The optional keys. A Secret also contains port and database if they differ from the defaults.
const (
	KeyPort     Key = "port"
	KeyDatabase Key = "database"
	KeyURI      Key = "uri"
	KeyJDBC     Key = "jdbc"
	KeyPgpass   Key = "pgpass"
)

// Keys whose values are files and not variables.
const (
	pgpassFile = ".pgpass"
	CAFile     = "ca.crt" // CA certificates of the server
)

const (
	usualPort     = 5432
	usualDatabase = "postgres"
)

func allKeys() []Key { return []Key{KeyPort, KeyDatabase, KeyURI, KeyJDBC, KeyPgpass} }

// ParseKey returns the key of that name. The error lists the valid names.
func ParseKey(name string) (Key, error) {
	if key := Key(name); slices.Contains(allKeys(), key) {
		return key, nil
	}
	return "", fmt.Errorf("invalid key %q: use port, database, uri, jdbc, pgpass or servicebinding", name)
}

// KnownKeys returns the names that ParseKey accepts as keys.
func KnownKeys(names []string) []Key {
	var keys []Key
	for _, name := range names {
		if key, err := ParseKey(name); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// entry returns the name and the value that a Secret contains for a key.
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

// data returns the data of a Secret: the three required keys, port and database if they differ from the defaults, and the given keys.
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

// VariablesOf returns, sorted, the keys of a Secret's data that are valid names of variables. The others are files.
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

// URI returns a connection URI for libpq and most drivers, with all values escaped.
func (c Credentials) URI() string {
	u := c.url("postgresql", url.Values{})
	u.User = url.UserPassword(c.Username, c.Password)
	return u.String()
}

// jdbc returns a URL for the Java driver, with user and password as parameters.
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
		// libpq reads a plus sign literally, the Java driver as a space.
		RawQuery: strings.ReplaceAll(parameters.Encode(), "+", "%20"),
	}
}

// pgpass returns a line of libpq's password file.
func (c Credentials) pgpass() string {
	fields := []string{c.Host, c.port(), c.database(), c.Username, c.Password}
	for i, field := range fields {
		fields[i] = strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(field)
	}
	return strings.Join(fields, ":") + "\n"
}
