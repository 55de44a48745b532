package shard

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzParse requires that exactly one shard of a count has a given binding.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "0/4", "3/4", "4/4", "-1/4", "/4", "/", "0/0", "1", "a/b", "0/4/4", "00/04", "+1/2", "0/9223372036854775807", "0/99999999999999999999"} {
		f.Add(seed, "1", "ns", "deployment.apps/web")
	}
	f.Add("/4", "", "", "")
	f.Fuzz(func(t *testing.T, text, index, namespace, name string) {
		s, err := Parse(text, index)
		if err != nil || text == "" {
			assert.Equal(t, Shard{}, s)
			return
		}
		assert.True(t, s.Index >= 0 && s.Index < s.Count, "%+v", s)
		if s.Count > 100 {
			return
		}
		owners := 0
		for i := range s.Count {
			if (Shard{Index: i, Count: s.Count}).Has(namespace, name) {
				owners++
			}
		}
		assert.Equal(t, 1, owners)
	})
}
