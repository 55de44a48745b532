package server

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"", "pod/pg-0", "STS/pg", "svc/a.b", "pod/", "/pod", "pod/a/b", "pod/../x", "deployment/web", "pod/A", "pg-0", "cluster/shop"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text, "ns")
		if err != nil {
			return
		}
		assert.Regexp(
			t, `^(pod|statefulset|deployment|service|cluster)/[a-z0-9.-]{1,253}$`, ref.String(),
			"the reference is used in the path of a request",
		)
		again, err := ParseRef(ref.String(), "ns")
		require.NoError(t, err)
		assert.Equal(t, ref, again)
	})
}

// FuzzChoice requires that every accepted host can be parsed from a URI and from a password file.
func FuzzChoice(f *testing.F) {
	for _, seed := range []string{"db.example", "DB_1.example.", "10.0.0.1", "::1", "a b", "a,b", "/tmp", "a\nb", "evil@x", "x:1", "[::1]", "fe80::1%eth0", "-x", "x?y#z", "", "\u00fc"} {
		f.Add(seed, int32(5432))
	}
	f.Fuzz(func(t *testing.T, host string, port int32) {
		c := Choice{Host: host, ClusterDomain: host, Port: port}
		if host == "" || c.Check() != nil {
			return
		}
		uri, err := url.Parse("postgresql://user@" + net.JoinHostPort(host, "5432") + "/db")
		require.NoError(t, err)
		assert.Equal(t, host, uri.Hostname())
		assert.Equal(t, "user", uri.User.String())
		assert.False(t, strings.ContainsAny(host, " ,/\\'\"\r\n"), "the host is not a list, a socket or several lines")
	})
}
