package main

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
)

const generated = "<!-- written by make docs -->\n"

func commands() *cobra.Command { return cmd.NewRootCommand(genericiooptions.NewTestIOStreamsDiscard()) }

// reference describes every command.
func reference(root *cobra.Command) string {
	text := &strings.Builder{}
	text.WriteString(
		generated + "# Reference\n\n`kubectl pgbind COMMAND --help` prints the same in a terminal, without flags that are rarely used.\n",
	)
	describe(text, root)
	text.WriteString("\n## Flags of every command\n\nThe connection flags of kubectl have the same meaning as in kubectl.\n\n")
	text.WriteString(table(root.PersistentFlags()))
	text.WriteString(environment())
	return text.String()
}

// environment describes exit codes and variables, which no flag shows.
func environment() string {
	text := &strings.Builder{}
	text.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n| 0 | success |\n")
	for _, row := range []struct {
		code    int
		meaning string
	}{
		{command.Failed, "something failed; `check`, `audit` and `diff` found something"},
		{command.Usage, "the command line is wrong; in `check`, `audit` and `diff`, every error"},
		{command.Timeout, "the time of `--timeout` or `--request-timeout` is over"},
	} {
		fmt.Fprintf(text, "| %d | %s |\n", row.code, row.meaning)
	}
	fmt.Fprintf(
		text, "| %d + n | signal n ended the command, for example %d for Ctrl-C |\n", command.SignalBase,
		command.SignalBase+int(syscall.SIGINT),
	)
	text.WriteString("\n`psql` ends with the exit code of psql.\n\n## Environment variables and annotations of a Namespace\n\n" +
		"A flag takes precedence over the variable, and the variable over the annotation.\n\n| flag | variable | annotation |\n|---|---|---|\n")
	for _, name := range []string{"postgres", "dbname", "access"} {
		fmt.Fprintf(text, "| `--%s` | `PGBIND_%s` | `pgbind.dev/%s` |\n", name, strings.ToUpper(name), name)
	}
	return text.String()
}

func describe(text *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(text, "\n## %s\n\n%s\n\n```\n%s\n```\n", cmd.CommandPath(), cmd.Long, cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(text, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n"))
	}
	own := cmd.LocalNonPersistentFlags()
	switch {
	case !cmd.HasParent():
		text.WriteString("\nThe flags of the short form are those of `bind`.\n")
	case own.HasAvailableFlags():
		text.WriteString("\n" + table(own))
	}
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			describe(text, child)
		}
	}
}

// table lists flags with their defaults.
func table(flags *pflag.FlagSet) string {
	text := &strings.Builder{}
	text.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		name := "`--" + flag.Name + "`"
		if flag.Shorthand != "" {
			name = "`-" + flag.Shorthand + "`, " + name
		}
		fmt.Fprintf(text, "| %s | %s | %s |\n", name, defaultOf(flag), strings.ReplaceAll(flag.Usage, "|", `\|`))
	})
	return text.String()
}

// defaultOf returns the default of a flag, unless it is a zero value or depends on the machine.
func defaultOf(flag *pflag.Flag) string {
	switch flag.DefValue {
	case "", "[]", "0", "false":
		return ""
	}
	if flag.Name == "cache-dir" {
		return ""
	}
	return "`" + strings.Trim(flag.DefValue, "[]") + "`"
}
