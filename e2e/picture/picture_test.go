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

func TestBarsAreAsLongAsTheirValues(t *testing.T) {
	svg := Bars("a & b", []Group{{Title: "<one>", Bars: []Bar{{"plugin", "1s", 0.5}, {"script", "2s", 1}, {"nothing", "0s", 0}}}})
	require.NoError(t, xml.Unmarshal([]byte(svg), new(any)))
	assert.Contains(t, svg, `viewBox="0 0 551 122" width="551" height="122"`)
	assert.Contains(t, svg, "prefers-color-scheme:light")
	assert.Regexp(t, `(?s)class="first"[^>]* width="180".*class="other"[^>]* width="360".*class="other"[^>]* width="1"`, svg)
	assert.Equal(t, "<one>\nplugin\n1s\nscript\n2s\nnothing\n0s\n", Text(svg))
}
