package credentials

import (
	"maps"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Renew writes marks, and the user name and password of c, to a Secret that is there already, and leaves alone what others wrote to it.
func Renew(secret *corev1.Secret, marks Marks, c Credentials) {
	secret.Data = Renewed(secret, c.Username, c.Password)
	marks.write(secret)
}

// Renewed returns the data of a binding's Secret with another user name and password, in every key that holds them.
func Renewed(secret *corev1.Secret, username, password string) map[string][]byte {
	c, _ := Of(secret)
	c.readRest(secret.Data)
	c.Username, c.Password = username, password
	data := maps.Clone(secret.Data)
	for name, value := range c.data(allKeys()) {
		if _, there := data[name]; there {
			data[name] = value
		}
	}
	return data
}

// readRest reads back what a Secret tells beside host, user name and password.
func (c *Credentials) readRest(data map[string][]byte) {
	value := func(key Key) string {
		name, _ := c.entry(key)
		return string(data[name])
	}
	if port, err := strconv.ParseInt(value(KeyPort), 10, 32); err == nil {
		c.Port = int32(port)
	}
	c.Database, c.CA = value(KeyDatabase), string(data[CAFile])
	for _, key := range []Key{KeyURI, KeyJDBC} {
		u, err := url.Parse(value(key))
		if err != nil {
			continue
		}
		if u.Opaque != "" {
			// After "jdbc:" comes a URL of its own.
			if u, err = url.Parse(u.Opaque + "?" + u.RawQuery); err != nil {
				continue
			}
		}
		if mode := u.Query().Get("sslmode"); mode != "" {
			c.SSLMode, c.CAPath = mode, u.Query().Get("sslrootcert")
			return
		}
	}
}
