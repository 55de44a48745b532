package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"
)

// helpWidth is where long texts are wrapped, so that they fit a terminal of the usual 80 columns and read the same in a file.
const helpWidth = 79

// suggestionDistance is how many letters a mistyped name may differ, as cobra has it.
const suggestionDistance = 2

// helpAsKubectl gives the tree kubectl's help: commands in groups, flags of all commands behind "options", a way on after a mistake.
func helpAsKubectl(root *cobra.Command, groups templates.CommandGroups) {
	templates.ActsAsRootCommand(root, []string{"options", "help"}, groups...)
	root.SuggestionsMinimumDistance = suggestionDistance
	root.SetUsageFunc(withDisplayName(root.UsageFunc()))
	root.SetFlagErrorFunc(suggestFlag(root.FlagErrorFunc()))
	for _, cmd := range commandsOf(root) {
		cmd.DisableFlagsInUseLine = true // the templates write [options]
		cmd.Long = paragraphs(cmd.Long)
		cmd.Example = withoutTrailingSpace(cmd.Example)
	}
}

// withDisplayName writes "kubectl pgbind" where kubectl's templates know the root command by its bare name only.
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

// paragraphs wraps each paragraph of a text. templates.LongDesc leaves the line break before a paragraph in the way, which its
// Markdown renderer turns into a space.
func paragraphs(text string) string {
	var wrapped []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		wrapped = append(wrapped, wordwrap.WrapString(strings.Join(strings.Fields(paragraph), " "), helpWidth))
	}
	return strings.Join(wrapped, "\n\n")
}

// withoutTrailingSpace clears the empty lines, which templates.Examples indents like the others.
func withoutTrailingSpace(text string) string {
	return strings.ReplaceAll(text, "\n"+templates.Indentation+"\n", "\n\n")
}

// suggestFlag names the flags that an unknown one may have been meant for.
func suggestFlag(usageError func(*cobra.Command, error) error) func(*cobra.Command, error) error {
	return func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) {
			return usageError(cmd, err)
		}
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
		return usageError(cmd, fmt.Errorf("%w%s", err, didYouMean("--", similar(unknown.GetSpecifiedName(), names))))
	}
}

// suggestCommand refuses a word that stands where a workload should but looks like one of the commands.
func suggestCommand(root *cobra.Command, word string) error {
	if strings.Contains(word, "/") {
		return nil
	}
	if names := root.SuggestionsFor(word); len(names) > 0 {
		return fmt.Errorf("unknown command %q for %q%s\nSee '%s --help' for usage", word, root.CommandPath(), didYouMean("", names), root.CommandPath())
	}
	return nil
}

// similar returns the names that differ little from the word. It is cobra's judgement, which it makes of commands only.
func similar(word string, names []string) []string {
	parent := &cobra.Command{SuggestionsMinimumDistance: suggestionDistance}
	for _, name := range names {
		parent.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	return parent.SuggestionsFor(word)
}

func didYouMean(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}
