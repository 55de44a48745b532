package credentials

import (
	"cmp"
	"maps"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Renew writes marks and credentials to a Secret that is there already, into every key of ours that it has or is to have, and leaves
// alone what others wrote to it. What c leaves open beside the login stays as the Secret has it.
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

// keep reads from a Secret's data what c leaves open beside the login.
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

// portOf is the port in a Secret's data; 0 where it has none, or what is no number.
func portOf(data map[string][]byte) int32 {
	name, _ := Credentials{}.entry(KeyPort)
	port, err := strconv.ParseInt(string(data[name]), 10, 32)
	if err != nil {
		return 0
	}
	return int32(port)
}

// parametersOf reads the parameters of a URI; of one that is none, nothing.
func parametersOf(uri string) url.Values {
	u, err := url.Parse(uri)
	if err != nil {
		return nil
	}
	return u.Query()
}
