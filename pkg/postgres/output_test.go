package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAReportThatWasCutOffIsNone(t *testing.T) {
	const whole = "\nNOTICE\npgbind {\"did\": \"GRANT\"}\npgbind {\"end\": \"run\"}\n"
	for length := range len(whole) - 1 {
		out, err := parse(strings.NewReader(whole[:length]))
		require.NoError(t, err)
		assert.Empty(t, out.End, whole[:length])
	}
	out, err := parse(strings.NewReader(whole))
	require.NoError(t, err)
	assert.Equal(t, "run", out.End)
	assert.Equal(t, []string{"GRANT"}, out.did)
}
