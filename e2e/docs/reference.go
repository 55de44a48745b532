package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
)

const (
	generated = "<!-- written by make docs -->\n"
	flagsFrom = "<!-- flags: written by make docs -->\n"
	flagsTo   = "<!-- end of flags -->\n"
)

func commands() *cobra.Command { return cmd.NewRootCommand(genericiooptions.NewTestIOStreamsDiscard()) }

// reference describes every command.
func reference(root *cobra.Command) string {
	text := &strings.Builder{}
	text.WriteString(generated + "# Reference\n\n`kubectl pgbind COMMAND --help` says the same in the terminal.\n")
	describe(text, root)
	text.WriteString("\n## Flags of every command\n\nThe flags by which kubectl reaches a cluster mean here what they mean there.\n\n")
	text.WriteString(table(root.PersistentFlags()))
	return text.String()
}

func describe(text *strings.Builder, command *cobra.Command) {
	fmt.Fprintf(text, "\n## %s\n\n%s\n\n```\n%s\n```\n", command.CommandPath(), command.Long, command.UseLine())
	if command.Example != "" {
		fmt.Fprintf(text, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(command.Example, "  "), "\n  ", "\n"))
	}
	if own := command.LocalNonPersistentFlags(); own.HasAvailableFlags() {
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

// defaultOf leaves out what means nothing, and what depends on the machine.
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

// withFlags returns the README with the root command's flags between the marks.
func withFlags(readme string, root *cobra.Command) (string, error) {
	content, err := os.ReadFile(readme) //nolint:gosec // a file of the repository
	if err != nil {
		return "", fmt.Errorf("read the README: %w", err)
	}
	before, rest, begun := strings.Cut(string(content), flagsFrom)
	_, after, ended := strings.Cut(rest, flagsTo)
	if !begun || !ended {
		return "", fmt.Errorf("%s has no place for the flags: it lies between %q and %q", readme, flagsFrom, flagsTo)
	}
	return before + flagsFrom + "\n" + table(root.LocalNonPersistentFlags()) + "\n" + flagsTo + after, nil
}
