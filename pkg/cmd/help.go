package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
)

// helpWidth is the width of long texts: they fit a terminal of 80 columns and look the same in a file.
const helpWidth = 79

// helpAsKubectl formats the help like kubectl: commands in groups, global flags under "options".
func helpAsKubectl(root *cobra.Command, groups templates.CommandGroups) {
	templates.ActsAsRootCommand(root, []string{"options", "help"}, groups...)
	root.SuggestionsMinimumDistance = 2 // cobra's default, which SuggestionsFor does not use
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		text := &strings.Builder{}
		if cmd == root {
			writeRootUsage(text, root, groups)
		} else {
			writeUsage(text, cmd)
		}
		_, err := io.WriteString(term.NewResponsiveWriter(cmd.OutOrStderr()), text.String())
		return err
	})
	for _, cmd := range commandsOf(root) {
		cmd.DisableFlagsInUseLine = true
		cmd.Long = paragraphs(cmd.Long)
		cmd.Example = withoutTrailingSpace(cmd.Example)
	}
}

// newHelpCommand replaces the one of cobra, which takes an unknown command for an argument of the root command and prints the help of that.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return command.WithCode(command.Usage, unknownCommand(found, rest[0], suggestions(found, rest[0])))
			}
			return found.Help()
		},
	}
}

// writeRootUsage writes the commands. The flags of the root command are those of bind, whose help lists them.
func writeRootUsage(out io.Writer, root *cobra.Command, groups templates.CommandGroups) {
	fmt.Fprintf(out, "\n\nExamples:\n%s\n\n", strings.TrimRight(root.Example, " \n"))
	for _, group := range groups {
		fmt.Fprintln(out, group.Message)
		for _, cmd := range group.Commands {
			fmt.Fprintf(out, "  %-*s   %s\n", cmd.NamePadding(), cmd.Name(), cmd.Short)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "Usage:\n  %s [options]\n\n", root.UseLine())
	fmt.Fprintf(out, "Use \"%s <command> --help\" for more information about a given command.\n", root.CommandPath())
	fmt.Fprintf(out, "Use \"%s bind --help\" for the options of a bind.\n", root.CommandPath())
	writeGlobalTip(out, root)
}

// writeUsage writes examples and flags of a command, the flags in their groups.
func writeUsage(out io.Writer, cmd *cobra.Command) {
	fmt.Fprint(out, "\n\n")
	if cmd.HasExample() {
		fmt.Fprintf(out, "Examples:\n%s\n\n", strings.TrimRight(cmd.Example, " \n"))
	}
	usage := cmd.UseLine()
	if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
		usage += " [options]"
	}
	for _, group := range groupsOf(cmd) {
		fmt.Fprintf(out, "%s:\n%s\n", group.name, group.usages())
	}
	fmt.Fprintf(out, "Usage:\n  %s\n\n", usage)
	writeGlobalTip(out, cmd.Root())
}

func writeGlobalTip(out io.Writer, root *cobra.Command) {
	fmt.Fprintf(out, "Use \"%s options\" for a list of global command-line options (applies to all commands).\n", root.CommandPath())
}

// flagGroup is a group of flags in the help.
type flagGroup struct {
	name  string
	flags []*pflag.Flag
}

// groupsOf returns the flags of a command in their groups, in the order in which they were added. Flags without a group come first.
func groupsOf(cmd *cobra.Command) []flagGroup {
	groups, local := []flagGroup{{name: "Options"}}, cmd.LocalNonPersistentFlags()
	all := *cmd.Flags()
	all.SortFlags = false
	all.VisitAll(func(flag *pflag.Flag) {
		if !flags.InHelp(flag) || local.Lookup(flag.Name) == nil {
			return
		}
		name := flags.GroupOf(flag)
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.name == name })
		switch {
		case name == "":
			i = 0
		case i < 0:
			i, groups = len(groups), append(groups, flagGroup{name: name})
		}
		groups[i].flags = append(groups[i].flags, flag)
	})
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return len(g.flags) == 0 })
}

// usages describes the flags as kubectl does.
func (g flagGroup) usages() string {
	width, err := term.GetWordWrapperLimit()
	if err != nil {
		width = 0
	}
	text := &strings.Builder{}
	printer := templates.NewHelpFlagPrinter(text, width)
	slices.SortFunc(g.flags, func(a, b *pflag.Flag) int { return strings.Compare(a.Name, b.Name) })
	for _, flag := range g.flags {
		printer.PrintHelpFlag(flag)
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}

// paragraphs wraps each paragraph of a text. templates.LongDesc leaves the line break before a paragraph, and its Markdown renderer turns
// that into a space.
func paragraphs(text string) string {
	var wrapped []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		wrapped = append(wrapped, wordwrap.WrapString(strings.Join(strings.Fields(paragraph), " "), helpWidth))
	}
	return strings.Join(wrapped, "\n\n")
}

// withoutTrailingSpace trims the empty lines, which templates.Examples indents like the others.
func withoutTrailingSpace(text string) string {
	return strings.ReplaceAll(text, "\n"+templates.Indentation+"\n", "\n\n")
}

// commandsOf returns the command and all its subcommands.
func commandsOf(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		all = append(all, commandsOf(child)...)
	}
	return all
}
