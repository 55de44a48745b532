package cmd

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"1d", "213504d", "-213504d", "-213503d", "1h30m", "d", "9223372036854775807d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseDuration(text)
		if err != nil {
			return
		}
		assert.Positive(t, got)
		if days, found := strings.CutSuffix(text, "d"); found {
			n, err := strconv.Atoi(days)
			require.NoError(t, err)
			assert.InDelta(t, float64(n), got.Hours()/24, 0.5)
		}
	})
}
