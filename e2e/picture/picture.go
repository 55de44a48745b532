// Package picture draws what a terminal showed as SVG, and reads the text back from such a picture.
package picture

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The measures of a character and of the border, in pixels.
const (
	charWidth  = 8.4
	lineHeight = 20
	border     = 16
)

// head and foot enclose the lines. The colours are those of a dark terminal, or of a light one for readers who prefer it; warnings are yellow.
const (
	head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s">
<style>
text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre}.typed{font-weight:bold;fill:#fff}.warning{fill:#ebcb8b}
rect{fill:#1e2430}
@media(prefers-color-scheme:light){text{fill:#24292f}.typed{fill:#000}.warning{fill:#9a6700}rect{fill:#f6f8fa}}
</style>
<rect width="100%%" height="100%%" rx="8"/>
`
	foot = "</svg>\n"
)

// Draw draws the lines that a terminal showed, with the colour of warnings. Lines that begin with "$ " were typed.
func Draw(title, shown string) string {
	lines := strings.Split(strings.TrimRight(shown, "\n"), "\n")
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(Plain(line)))
	}
	svg := &strings.Builder{}
	fmt.Fprintf(svg, head, int(float64(columns)*charWidth)+2*border, len(lines)*lineHeight+2*border, html.EscapeString(title))
	for i, line := range lines {
		class := ""
		if strings.HasPrefix(line, "$ ") {
			class = ` class="typed"`
		}
		fmt.Fprintf(svg, `<text x="%d" y="%d"%s>%s</text>`+"\n", border, border+(i+1)*lineHeight-6, class, coloured(line))
	}
	return svg.String() + foot
}

// coloured turns a terminal's yellow into the picture's.
func coloured(line string) string {
	return strings.NewReplacer("\x1b[33;1m", `<tspan class="warning">`, "\x1b[0m", "</tspan>").Replace(html.EscapeString(line))
}

// Plain removes the colours from the output of a terminal.
func Plain(shown string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(shown, "")
}

// Text returns the lines of a picture.
func Text(svg string) string {
	text := &strings.Builder{}
	for _, line := range regexp.MustCompile(`(?m)^<text[^>]*>(.*)</text>$`).FindAllStringSubmatch(svg, -1) {
		text.WriteString(html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(line[1], "")) + "\n")
	}
	return text.String()
}
