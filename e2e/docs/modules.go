package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// purpose is why a third-party module is needed, and its licence.
type purpose struct{ licence, reason string }

// purposes has a line for each module that go.mod requires directly.
func purposes() map[string]purpose {
	const apache, bsd, mit = "Apache-2.0", "BSD-3-Clause", "MIT"
	return map[string]purpose{
		"github.com/creack/pty":                  {mit, "tests: a terminal for `kubectl pgbind psql`"},
		"github.com/google/go-containerregistry": {apache, "tests: a registry for the image of a release"},
		"github.com/invopop/jsonschema":          {mit, "tests: the schema of bindings, from the Go types"},
		"github.com/mitchellh/go-wordwrap":       {mit, "wraps text for a terminal"},
		"github.com/moby/spdystream":             {apache, "tests: the frames of an exec, so that a proxy can cut them"},
		"github.com/pmezard/go-difflib":          {bsd, "`diff` prints differences as diff -u does"},
		"github.com/spf13/cobra":                 {apache, "commands, as in kubectl"},
		"github.com/spf13/pflag":                 {bsd, "flags, as in kubectl"},
		"github.com/stretchr/testify":            {mit, "tests: assertions"},
		"go.yaml.in/yaml/v3":                     {mit, "reads files of bindings with the lines of their fields"},
		"golang.org/x/net":                       {bsd, "tests: parses the HTML page of an audit"},
		"golang.org/x/sync":                      {bsd, "parallel requests and bindings, with their errors"},
		"k8s.io/api":                             {apache, "the API's types"},
		"k8s.io/apimachinery":                    {apache, "the API's metadata, errors and patches"},
		"k8s.io/cli-runtime":                     {apache, "kubectl's connection flags and printers"},
		"k8s.io/client-go":                       {apache, "clients of the API server, and the exec API"},
		"k8s.io/klog/v2":                         {apache, "keeps client-go from logging"},
		"k8s.io/kube-openapi":                    {apache, "validates files of bindings against their schema"},
		"k8s.io/kubectl":                         {apache, "kubectl's help, dry runs and rollout status"},
		"k8s.io/streaming":                       {apache, "reports how an upgrade to a stream was refused"},
		"sigs.k8s.io/structured-merge-diff/v6":   {apache, "joins the fields of two field managers"},
		"sigs.k8s.io/yaml":                       {apache, "prints objects as YAML"},
	}
}

// modules lists what go.mod requires directly. The error names a module without a purpose, or a purpose without a module.
func modules(file string) (string, error) {
	content, err := os.ReadFile(file) //nolint:gosec // the go.mod of the repository
	if err != nil {
		return "", fmt.Errorf("read the modules: %w", err)
	}
	text := &strings.Builder{}
	text.WriteString(
		generated + "# Third-party modules\n\nThe direct requirements of `go.mod`, and their purpose. `make modules` verifies the checksums of all modules, and checks the licences\n" +
			"of everything that is compiled into the program against a list.\n\n| module | version | licence | why |\n|---|---|---|---|\n",
	)
	known := purposes()
	var errs []error
	for _, line := range regexp.MustCompile(`(?m)^\t(\S+) (\S+)$`).FindAllStringSubmatch(string(content), -1) {
		name, version := line[1], line[2]
		why, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("module %s has no purpose: add one to e2e/docs/modules.go, or remove the module", name))
		}
		delete(known, name)
		fmt.Fprintf(text, "| `%s` | %s | %s | %s |\n", name, version, why.licence, why.reason)
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		errs = append(errs, fmt.Errorf("module %s is not in go.mod any more: remove it from e2e/docs/modules.go", name))
	}
	return text.String(), errors.Join(errs...)
}
