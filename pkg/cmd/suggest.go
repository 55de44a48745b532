package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// suggestionDistance is how many letters a mistyped name may differ, as cobra has it.
const suggestionDistance = 2

// shortestSlip is the length from which on a word that differs so much is still the same word.
const shortestSlip = 5

// suggestFlag names the flags that an unknown one may have been meant for.
func suggestFlag(usageError func(*cobra.Command, error) error) func(*cobra.Command, error) error {
	return func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) {
			return usageError(cmd, err)
		}
		var names []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
		return usageError(cmd, fmt.Errorf("%w%s", err, didYouMean("--", similar(unknown.GetSpecifiedName(), names), "")))
	}
}

// suggestCommand refuses a word that stands where a workload should but looks like one of the commands.
func suggestCommand(root *cobra.Command, word string) error {
	if strings.Contains(word, "/") {
		return nil
	}
	if names := root.SuggestionsFor(word); len(names) > 0 {
		return fmt.Errorf("unknown command %q for %q%s\nSee '%s --help' for usage", word, root.CommandPath(), didYouMean("", names, ""), root.CommandPath())
	}
	return nil
}

// suggestType refuses a workload of a kind that differs from a known one by a slip: kinds of other groups, and short words, are the API
// server's to judge.
func suggestType(cmd *cobra.Command, args []string) error {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		args = args[:dash]
	}
	for i, arg := range args {
		word, _, named := strings.Cut(arg, "/")
		if !named && (i > 0 || len(args) == 1) || len(word) < shortestSlip || strings.Contains(word, ".") {
			continue
		}
		if _, known := workload.TypeFor(word); known {
			continue
		}
		if types := similar(word, typeNames()); len(types) > 0 {
			return fmt.Errorf("%q is no kind of workload%s", word, didYouMean("", types, strings.TrimPrefix(arg, word)))
		}
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

// didYouMean asks whether one of the names was meant, each between the prefix and the suffix.
func didYouMean(prefix string, names []string, suffix string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + prefix + strings.Join(names, suffix+" or "+prefix) + suffix + "?"
}
