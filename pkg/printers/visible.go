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
