package report

import "strings"

// Explanation describes a finding of a command in Markdown: docs/findings.md is generated from it.
type Explanation struct{ Code, Cause, Fix string }

// PageOf returns where docs/findings.md explains a finding of a command.
func PageOf(command, code string) string {
	return "docs/findings.md#" + strings.ToLower(command+"-"+code)
}
