package picture

import (
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPictureKeepsTheText(t *testing.T) {
	shown := "$ kubectl pgbind a/b\n  <one> & \"two\"\n\x1b[33;1mWarning:\x1b[0m three\n"
	svg := Draw("a & b", shown)
	require.NoError(t, xml.Unmarshal([]byte(svg), new(any)))
	assert.Contains(t, svg, `<tspan class="warning">Warning:</tspan> three`)
	assert.Contains(t, svg, `class="typed">$ kubectl`)
	assert.Contains(t, svg, `viewBox="0 0 200 92" width="200" height="92"`)
	assert.Equal(t, Plain(shown), Text(svg))
}
