package version

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestVersion_PrintsFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"":     `^\S+\n$`,
		"json": `(?s)^\{.*"version": ".+",.*"goVersion": "go1\..+",.*"platform": ".+/.+".*\}\n$`,
		"yaml": `(?m)^version: .+\n$`,
	} {
		streams, _, out, _ := genericiooptions.NewTestIOStreams()
		cmd := NewCommand(streams)
		cmd.SetArgs([]string{"-o", format})
		require.NoError(t, cmd.ExecuteContext(t.Context()), format)
		assert.Regexp(t, want, out.String(), format)
	}
	require.ErrorContains(t, (&Options{output: "xml"}).Validate(), `invalid --output "xml": use json or yaml`)
}
