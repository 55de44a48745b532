package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mitchellh/go-wordwrap"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
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
		text, "check", "The worst come first. `kubectl pgbind check --fix` runs those fixes that need no decision. "+findingFields(),
		check.Explanations(),
	)
	explain(text, "audit", "[audit.md](audit.md) describes what an audit reads, and the severities.", audit.Explanations())
	return text.String()
}

// findingFields names what a program reads of a finding.
func findingFields() string {
	list, err := printers.Findings{{Reason: check.OK}}.List(time.Time{})
	if err != nil {
		panic(err) // the objects have strings only
	}
	var fields []string
	for field := range list.Items[0].Object {
		if field != "apiVersion" && field != "kind" {
			fields = append(fields, "`"+field+"`")
		}
	}
	slices.Sort(fields)
	return "With `-o json` or `-o yaml`, `check` prints a List of objects of the kind `" + list.Items[0].GetKind() + "`, which have " +
		strings.Join(fields, ", ") + ". `action` is what `--fix` does; it is empty if you have to decide."
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
