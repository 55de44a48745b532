package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/mitchellh/go-wordwrap"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// docWidth is the width of the lines of documents.
const docWidth = 150

// findings describes the findings of check and of audit.
func findings() string {
	text := &strings.Builder{}
	text.WriteString(
		generated + "# Findings\n\n" + wrapped(
			"`kubectl pgbind check` and `kubectl pgbind audit` print a code, a message and a command for each "+
				"finding. This page explains the codes: the cause, and how to fix it. With `-o wide` and `-o json`, both commands name the section of this page. Read a "+
				"command before you run it.",
		) + "\n",
	)
	explain(
		text, "check", "The worst come first. `kubectl pgbind check --fix` runs those fixes that need no decision.",
		check.Explanations(),
	)
	explain(text, "audit", "[audit.md](audit.md) describes what an audit reads, and the severities.", audit.Explanations())
	return text.String()
}

// explain writes a section for each code. Its heading begins with the command, because check and audit share some codes.
func explain(text *strings.Builder, command, about string, explanations []report.Explanation) {
	fmt.Fprintf(text, "\n## Findings of %s\n\n%s\n", command, wrapped(about))
	for _, e := range explanations {
		fmt.Fprintf(text, "\n### %s %s\n\n%s\n\n%s\n", command, e.Code, wrapped(links(e.Cause)), wrapped("Fix: "+links(e.Fix)))
	}
}

// links turns the names of other documents into links.
func links(text string) string {
	return regexp.MustCompile(`docs/([a-z/-]+\.md)`).ReplaceAllString(text, "[$1]($1)")
}

func wrapped(text string) string { return wordwrap.WrapString(text, docWidth) }
