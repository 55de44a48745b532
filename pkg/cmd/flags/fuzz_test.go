package flags

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// FuzzDuration requires that a duration is never negative and never overflows.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"", "30d", "12h", "45m", "0d", "-1d", "d", "213504d", "9223372036854775807d", "1e3d", "2562047h47m16s", "-1h", "1h30m", "1.5d", "٣d", "1_000h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		duration, err := parseDuration(text)
		spec, _, errFlag := (&Spec{expires: text}).Complete()
		if text != "" {
			assert.Equal(t, err == nil, errFlag == nil)
		}
		if err != nil {
			assert.Zero(t, duration)
			assert.Nil(t, spec.Expires)
			return
		}
		assert.WithinDuration(t, time.Now().Add(duration), spec.Expires.Time, time.Minute)
		assert.True(t, duration > 0 && duration <= maxDuration, duration)
		now := time.Now()
		assert.True(t, now.Add(duration).After(now))
		assert.Len(t, now.Add(duration).Format("2006"), 4)
	})
}

// FuzzKeyFlags parses names of keys, which become names of files and variables.
func FuzzKeyFlags(f *testing.F) {
	for _, seed := range []string{"", "uri", "URI", "port", "jdbc", "pgpass", "database", "servicebinding", "../x", "uri,uri", "uri "} {
		f.Add(seed, "require")
	}
	f.Add("uri", "Require")
	f.Fuzz(func(t *testing.T, key, sslmode string) {
		spec, _, err := (&Spec{spec: v1alpha1.BindingSpec{Keys: []string{key}, SSLMode: sslmode}}).Complete()
		if err != nil {
			return
		}
		assert.Regexp(t, `^(disable|allow|prefer|require|verify-ca|verify-full)?$`, spec.SSLMode)
		assert.Regexp(t, `^[a-z]+$`, spec.Keys[0])
	})
}
