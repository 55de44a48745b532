package target

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"", "pod/pg-0", "STS/pg", "svc/a.b", "pod/", "/pod", "pod/a/b", "pod/../x", "deployment/web", "pod/A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text, "ns")
		if err != nil {
			return
		}
		assert.Regexp(t, `^(pod|statefulset|service)/[a-z0-9.-]{1,253}$`, ref.String(), "what goes into the path of a request")
		again, err := ParseRef(ref.String(), "ns")
		require.NoError(t, err)
		assert.Equal(t, ref, again)
	})
}
