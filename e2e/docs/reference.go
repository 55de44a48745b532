package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
)

const generated = "<!-- written by make docs -->\n"

func commands() *cobra.Command { return cmd.NewRootCommand(genericiooptions.NewTestIOStreamsDiscard()) }

// reference describes every command.
func reference(root *cobra.Command) string {
	text := &strings.Builder{}
	text.WriteString(generated + "# Reference\n\n`kubectl pgbind COMMAND --help` prints the same in a terminal.\n")
	describe(text, root)
	text.WriteString("\n## Flags of every command\n\nThe connection flags of kubectl have the same meaning as in kubectl.\n\n")
	text.WriteString(table(root.PersistentFlags()))
	return text.String()
}

func describe(text *strings.Builder, command *cobra.Command) {
	fmt.Fprintf(text, "\n## %s\n\n%s\n\n```\n%s\n```\n", command.CommandPath(), command.Long, command.UseLine())
	if command.Example != "" {
		fmt.Fprintf(text, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(command.Example, "  "), "\n  ", "\n"))
	}
	own := command.LocalNonPersistentFlags()
	switch {
	case !command.HasParent():
		text.WriteString("\nThe flags of the short form are those of `bind`.\n")
	case own.HasAvailableFlags():
		text.WriteString("\n" + table(own))
	}
	for _, child := range command.Commands() {
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
