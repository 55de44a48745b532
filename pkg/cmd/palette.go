package cmd

import (
	"regexp"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// Colours of a terminal.
const (
	red     = "\x1b[31m"
	green   = "\x1b[32m"
	yellow  = "\x1b[33m"
	noColor = "\x1b[0m"
)

// palette colours states if it is true.
type palette bool

// state colours a state: good, unknown or bad.
func (p palette) state(word string) string {
	if !p || word == "" {
		return word
	}
	switch word {
	case string(check.OK), string(inventory.Bound):
		return green + word + noColor
	case string(check.Unknown), string(check.NotVerified):
		return yellow + word + noColor
	}
	return red + word + noColor
}

// column colours the named column in the lines of a table. The first line contains the headers.
func (p palette) column(lines []string, name string) []string {
	start := strings.Index(lines[0], strings.ToUpper(name))
	if !p || start < 0 {
		return lines
	}
	coloured := []string{lines[0]}
	for _, line := range lines[1:] {
		if runes := []rune(line); len(runes) > start {
			before, after := string(runes[:start]), string(runes[start:])
			word, _, _ := strings.Cut(after, " ")
			line = before + p.state(word) + after[len(word):]
		}
		coloured = append(coloured, line)
	}
	return coloured
}

// tree colours the states in brackets at the ends of a tree's lines.
func (p palette) tree(text string) string {
	if !p {
		return text
	}
	return regexp.MustCompile(`(?m)\(([^()]+)\)$`).ReplaceAllStringFunc(text, func(state string) string {
		return "(" + p.state(strings.Trim(state, "()")) + ")"
	})
}
