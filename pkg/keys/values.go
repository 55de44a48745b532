// Package keys decides under which names an application gets its login: presets, templates for single variables, and the names that a
// workload already uses. It only computes; other packages write the Secret and the pod template.
package keys

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	usualPort     = 5432
	usualDatabase = "postgres"
)

// Values are what a template can use. Its methods are usable as well.
type Values struct {
	Host     string
	Port     int32  // 0: 5432
	Database string // empty: postgres
	Username string
	Password string
	SSLMode  string // optional
	CAPath   string // path of the CA certificates in the container; optional
}

// complete returns the values with the defaults of PostgreSQL for port and database.
func (v Values) complete() Values {
	v.Port, v.Database = cmp.Or(v.Port, usualPort), cmp.Or(v.Database, usualDatabase)
	return v
}

// String hides the password, so that a log or an error that prints the values does not contain it.
func (v Values) String() string { return "login to " + v.complete().Address() }

// GoString hides the password as String does.
func (v Values) GoString() string { return v.String() }

// Address returns host and port as URLs have them.
func (v Values) Address() string { return net.JoinHostPort(v.Host, strconv.Itoa(int(v.Port))) }

// ShortAddress returns the host as URLs have it, with the port only if it is not 5432.
func (v Values) ShortAddress() string {
	return strings.TrimSuffix(v.Address(), ":"+strconv.Itoa(usualPort))
}

// URI returns a connection URI for libpq and most drivers.
func (v Values) URI() string {
	login := escape(v.Username) + ":" + escape(v.Password)
	return "postgresql://" + login + "@" + v.Address() + "/" + escape(v.Database) + v.Parameters()
}

// JDBC returns a URL for the Java driver, with user and password as parameters.
func (v Values) JDBC() string {
	parameters := v.tls()
	parameters.Set("user", v.Username)
	parameters.Set("password", v.Password)
	return "jdbc:postgresql://" + v.Address() + "/" + escape(v.Database) + query(parameters)
}

// Parameters returns the TLS settings as the query of a URL, with its question mark, or nothing.
func (v Values) Parameters() string { return query(v.tls()) }

func (v Values) tls() url.Values {
	parameters := url.Values{}
	if v.SSLMode != "" {
		parameters.Set("sslmode", v.SSLMode)
	}
	if v.CAPath != "" {
		parameters.Set("sslrootcert", v.CAPath)
	}
	return parameters
}

func query(parameters url.Values) string {
	if len(parameters) == 0 {
		return ""
	}
	return "?" + strings.ReplaceAll(parameters.Encode(), "+", "%20")
}

// escape makes a value fit any part of a URL. A space becomes %20, because libpq reads a plus sign literally, the Java driver as a space.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// quoteADO makes a value fit a connection string of .NET.
func quoteADO(value string) string {
	if value != "" && strings.Trim(value, plain) == "" {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
}

// quoteConninfo makes a value fit a connection string of libpq, such as "host=db password='a b'".
func quoteConninfo(value string) string {
	if value != "" && strings.Trim(value, plain) == "" {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// quotePgpass makes a value fit a field of libpq's password file.
func quotePgpass(value string) string {
	return strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(value)
}

// plain are the characters that no form of a connection string needs to quote.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@+,%"
