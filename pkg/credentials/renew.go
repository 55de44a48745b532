package credentials

import (
	"cmp"
	"maps"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Renew writes metadata and credentials to an existing Secret, into every key of ours that it has or needs, and keeps the keys of others.
// Values other than the login that c does not set stay as they are.
func Renew(secret *corev1.Secret, marks Marks, c Credentials, keys ...Key) {
	c.keep(secret.Data)
	data := c.data(keys)
	for name, value := range c.data(allKeys()) {
		if _, there := secret.Data[name]; there {
			data[name] = value
		}
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	maps.Copy(secret.Data, data)
	marks.write(secret)
}

// keep sets the values that c does not contain, other than the login, from a Secret's data.
func (c *Credentials) keep(data map[string][]byte) {
	value := func(key Key) string {
		name, _ := c.entry(key)
		return string(data[name])
	}
	c.Port = cmp.Or(c.Port, portOf(data))
	c.Database, c.CA = cmp.Or(c.Database, value(KeyDatabase)), cmp.Or(c.CA, string(data[CAFile]))
	for _, key := range []Key{KeyURI, KeyJDBC} {
		parameters := parametersOf(value(key))
		c.SSLMode, c.CAPath = cmp.Or(c.SSLMode, parameters.Get("sslmode")), cmp.Or(c.CAPath, parameters.Get("sslrootcert"))
	}
}

// portOf returns the port in a Secret's data, or 0 if it has none or an invalid one.
func portOf(data map[string][]byte) int32 {
	name, _ := Credentials{}.entry(KeyPort)
	port, err := strconv.ParseInt(string(data[name]), 10, 32)
	if err != nil {
		return 0
	}
	return int32(port)
}

// parametersOf returns the parameters of a URI, or nothing if the URI is invalid.
func parametersOf(uri string) url.Values {
	u, err := url.Parse(uri)
	if err != nil {
		return nil
	}
	return u.Query()
}
