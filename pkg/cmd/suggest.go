package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// suggestionDistance is the maximum number of different letters, as in cobra.
const suggestionDistance = 2

// shortestSlip is the minimum length of a word for a suggestion: a shorter word with so many differences is another word.
const shortestSlip = 5

// suggestFlag suggests flags that are similar to an unknown one.
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

// suggestCommand rejects a word in the place of a workload that is similar to a command.
func suggestCommand(root *cobra.Command, word string) error {
	if strings.Contains(word, "/") {
		return nil
	}
	if names := root.SuggestionsFor(word); len(names) > 0 {
		return fmt.Errorf("unknown command %q for %q%s\nSee '%s --help' for usage",
			word, root.CommandPath(), didYouMean("", names, ""), root.CommandPath())
	}
	return nil
}

// suggestType rejects a workload whose type is similar to a known one. Short words and types of other groups are left to the API server.
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
			return fmt.Errorf("%q is not a workload type%s", word, didYouMean("", types, strings.TrimPrefix(arg, word)))
		}
	}
	return nil
}

// similar returns the names that are similar to the word. It uses cobra's function, which works only for commands.
func similar(word string, names []string) []string {
	parent := &cobra.Command{SuggestionsMinimumDistance: suggestionDistance}
	for _, name := range names {
		parent.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	return parent.SuggestionsFor(word)
}

// didYouMean returns the end of an error that suggests the names, each between the prefix and the suffix.
func didYouMean(prefix string, names []string, suffix string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + prefix + strings.Join(names, suffix+" or "+prefix) + suffix + "?"
}
