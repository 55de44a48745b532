package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// refusal is a command that the cluster of the tests refused, as TestRefusals recorded it.
type refusal struct {
	Cause   string `json:"cause"`
	Command string `json:"command"`
	Message string `json:"message"`
}

// errorsOfBind describes the errors of a bind with what to do about them, by the time at which they occur.
func errorsOfBind(dir string) (string, error) {
	text := &strings.Builder{}
	text.WriteString(generated + "# Errors of a bind\n\n" + wrapped(
		"An error names the object, the cause and the next step. This page has the messages themselves: look for the words that do not change. "+
			"[Findings](findings.md) has those of `check` and `audit`, and [reliability](reliability.md) what happens when something fails.",
	) + "\n\n## The command line is wrong\n\nNo request has been sent, and the exit code is 2.\n\n| after `kubectl pgbind` | error |\n|---|---|\n")
	lines, err := wrongBinds(filepath.Join(dir, "pkg", "cmd", "usage_test.go"))
	if err != nil {
		return "", err
	}
	for _, line := range lines {
		fmt.Fprintf(text, "| `%s` | %s |\n", line, cell(messageOf(line)))
	}
	text.WriteString("\n## Something is missing or in the way\n\nNothing has been written, and the exit code is 1. " +
		"The namespace is `k8s-training`.\n")
	refused, err := refusals(filepath.Join(dir, "e2e", "docs", "refusals.json"))
	if err != nil {
		return "", err
	}
	for _, r := range refused {
		fmt.Fprintf(text, "\n### %s\n\n", r.Cause)
		for _, line := range strings.Split("$ "+r.Command+"\n"+r.Message, "\n") {
			text.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	}
	text.WriteString(
		"\n## The server has a problem\n\nThe command rolls back what it created, and the exit code is 1.\n\n| SQLSTATE | error ends with |\n|---|---|\n",
	)
	for _, state := range []string{"53100", "53200", "53300", "57P01", "57P02", "57P03"} {
		failed := &postgres.SQLError{State: state}
		fmt.Fprintf(text, "| %s | %s |\n", state, cell(failed.Error()))
	}
	locked := &postgres.LockedError{
		Holders: []string{"process 4711 of alice (psql)"},
		Err:     errors.New("canceling statement due to lock timeout"),
	}
	fmt.Fprintf(text, "| 55P03 | %s |\n", cell(locked.Error()))
	text.WriteString("\n## Tests\n\n`TestExecute_RefusesWrongUsage` (`cmd`) has the command lines, `TestRefusals` the commands, and " +
		"`TestAnErrorNamesItsCauseAndTheNextStep`\n(`postgres`) and `TestServerFaults` problems of the server.\n")
	return text.String(), nil
}

// cell puts a message into a cell of a table.
func cell(message string) string {
	return "`" + strings.ReplaceAll(strings.Join(strings.Fields(message), " "), "|", `\|`) + "`"
}

// messageOf returns the error of a command line.
func messageOf(line string) string {
	stderr := &bytes.Buffer{}
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: stderr}
	cmd.Execute(context.Background(), streams, append([]string{"--kubeconfig=" + os.DevNull}, strings.Fields(line)...))
	return strings.TrimPrefix(strings.TrimSpace(stderr.String()), "error: ")
}

// wrongBinds returns the command lines that the tests of the command line have for bind.
func wrongBinds(file string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("read the wrong command lines: %w", err)
	}
	var lines []string
	for _, declaration := range parsed.Decls {
		function, is := declaration.(*ast.FuncDecl)
		if !is || function.Name.Name != "wrongBinds" {
			continue
		}
		ast.Inspect(function, func(node ast.Node) bool {
			pair, is := node.(*ast.KeyValueExpr)
			if !is {
				return true
			}
			if key, is := pair.Key.(*ast.BasicLit); is {
				var line string
				line, err = strconv.Unquote(key.Value)
				lines = append(lines, line)
			}
			return true
		})
	}
	if err != nil || len(lines) == 0 {
		return nil, fmt.Errorf("find the wrong command lines in %s: %w", file, err)
	}
	slices.Sort(lines)
	return lines, nil
}

// refusals returns what TestRefusals recorded.
func refusals(file string) ([]refusal, error) {
	content, err := os.ReadFile(file) //nolint:gosec // a file of the repository
	if err != nil {
		return nil, fmt.Errorf("read the recorded errors: %w", err)
	}
	var recorded []refusal
	if err := json.Unmarshal(content, &recorded); err != nil {
		return nil, fmt.Errorf("read the recorded errors in %s: %w", file, err)
	}
	return recorded, nil
}
