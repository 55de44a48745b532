package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"
)

// helpWidth is the width of long texts: they fit a terminal of 80 columns and look the same in a file.
const helpWidth = 79

// helpAsKubectl formats the help like kubectl: commands in groups, global flags under "options", and a hint after a mistake.
func helpAsKubectl(root *cobra.Command, groups templates.CommandGroups) {
	templates.ActsAsRootCommand(root, []string{"options", "help"}, groups...)
	root.SuggestionsMinimumDistance = suggestionDistance
	root.SetUsageFunc(withDisplayName(root.UsageFunc()))
	root.SetFlagErrorFunc(suggestFlag(root.FlagErrorFunc()))
	for _, cmd := range commandsOf(root) {
		if cmd.Args == nil {
			cmd.Args = suggestType
		}
		cmd.DisableFlagsInUseLine = true // the templates write [options]
		cmd.Long = paragraphs(cmd.Long)
		cmd.Example = withoutTrailingSpace(cmd.Example)
	}
}

// withDisplayName writes "kubectl pgbind" where kubectl's templates print only the name of the root command.
func withDisplayName(usage func(*cobra.Command) error) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		out, text := cmd.OutOrStderr(), &strings.Builder{}
		cmd.SetOut(text)
		err := usage(cmd)
		cmd.SetOut(out)
		root := cmd.Root()
		_, written := fmt.Fprint(out, strings.ReplaceAll(text.String(), `Use "`+root.Name()+" ", `Use "`+root.DisplayName()+" "))
		return errors.Join(err, written)
	}
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
