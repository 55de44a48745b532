package printers

import (
	"strings"
	"unicode"
)

// Visible makes control characters visible, because a message can contain names from a database or an object.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// visibleLine makes control characters visible, line breaks and changes of the writing direction included.
func visibleLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
