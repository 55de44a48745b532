package picture

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Bar is a value with its name. Its length is that of a group's longest bar times Length.
type Bar struct {
	Name, Value string
	Length      float64
}

// Group is a heading and the bars below it, which share a scale of their own.
type Group struct {
	Title string
	Bars  []Bar
}

// The measures of a picture with bars, in pixels.
const (
	barWidth  = 360
	barHeight = 12
	valueRoom = 100
)

// barsHead is head with the colours of bars: the first one of a group, and those that it is compared with.
const barsHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s">
<style>
text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre}.title{font-weight:bold;fill:#fff}
.ground{fill:#1e2430}.first{fill:#88c0d0}.other{fill:#616e88}
@media(prefers-color-scheme:light){text{fill:#24292f}.title{fill:#000}.ground{fill:#f6f8fa}.first{fill:#0969da}.other{fill:#afb8c1}}
</style>
<rect class="ground" width="100%%" height="100%%" rx="8"/>
`

// Bars draws groups of bars, one below the other.
func Bars(title string, groups []Group) string {
	svg := &strings.Builder{}
	longest := 0
	for _, group := range groups {
		for _, bar := range group.Bars {
			longest = max(longest, utf8.RuneCountInString(bar.Name))
		}
	}
	left, y := border+int(float64(longest+2)*charWidth), border
	for _, group := range groups {
		y += lineHeight
		fmt.Fprintf(svg, `<text x="%d" y="%d" class="title">%s</text>`+"\n", border, y-6, html.EscapeString(group.Title))
		for i, bar := range group.Bars {
			y += lineHeight
			class := "other"
			if i == 0 {
				class = "first"
			}
			fmt.Fprintf(svg, `<text x="%d" y="%d">%s</text>`+"\n", border, y-6, html.EscapeString(bar.Name))
			length := max(1, int(bar.Length*barWidth))
			fmt.Fprintf(
				svg, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`+"\n", class, left, y-barHeight-4, length, barHeight,
			)
			fmt.Fprintf(svg, `<text x="%d" y="%d">%s</text>`+"\n", left+length+8, y-6, html.EscapeString(bar.Value))
		}
		y += lineHeight / 2
	}
	return fmt.Sprintf(barsHead, left+barWidth+valueRoom, y+border, html.EscapeString(title)) + svg.String() + foot
}
