package flags

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// What a dry run does.
const (
	// DryRunRehearses is for commands that send their writes as dry runs.
	DryRunRehearses = "Print what would change, and change nothing: client only reads, " +
		"server also sends the writes to the API server as dry runs."
	// DryRunLists is for commands that list what they will do before they ask for confirmation.
	DryRunLists = "With client or server, print what would be removed, and change nothing."
)

// AddDryRun adds the flag of kubectl. Its own text is not true here: it describes a command that sends one object.
func AddDryRun(cmd *cobra.Command, does string) {
	cmdutil.AddDryRunFlag(cmd)
	cmd.Flag("dry-run").Usage = `Must be "none", "server", or "client". ` + does
}

// DryRun returns the value of the flag. It warns of the deprecated values as kubectl does, whose warnings go to a log that is disabled.
func DryRun(cmd *cobra.Command) (cmdutil.DryRunStrategy, error) {
	strategy, err := cmdutil.GetDryRunStrategy(cmd)
	if err != nil {
		return strategy, fmt.Errorf("invalid --dry-run %q: use none, server or client", cmdutil.GetFlagString(cmd, "dry-run"))
	}
	flag, instead := cmd.Flag("dry-run"), "client"
	if strategy == cmdutil.DryRunNone {
		instead = "none"
	}
	value := flag.Value.String()
	switch _, err := strconv.ParseBool(value); {
	case value == flag.NoOptDefVal:
		fmt.Fprintf(cmd.ErrOrStderr(), "Warning: --dry-run is deprecated and can be replaced with --dry-run=%s.\n", instead)
	case err == nil:
		fmt.Fprintf(
			cmd.ErrOrStderr(),
			"Warning: --dry-run=%s is deprecated (boolean value) and can be replaced with --dry-run=%s.\n",
			value,
			instead,
		)
	}
	return strategy, nil
}
