package flags

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// Run selects how bind and apply bind, whatever the binding is.
type Run struct{ options binding.Options }

// AddTo adds the flags.
func (f *Run) AddTo(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	flags.BoolVar(
		&o.Adopt,
		"adopt",
		false,
		"Take over existing references to the Secret. If the workload uses a Secret and a user that were created by hand, "+
			"make them its binding: the password and the Pods stay",
	)
	flags.BoolVar(
		&o.Force,
		"force",
		false,
		"Proceed even if another field manager owns envFrom or the variables and may revert the change, "+
			"if other roles can create objects in a schema of --isolated, or if something else uses the login of --adopt",
	)
	flags.BoolVar(&o.Wait, "wait", true, "Wait until the workload's Pods use the Secret")
	flags.DurationVar(&o.Timeout, "timeout", DefaultTimeout, "Time to wait for the Pods")
	flags.BoolVar(&o.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	flags.BoolVar(&o.Recreate, "recreate", false, "Replace a bare Pod with a copy that uses the Secret")
	AddFieldManager(cmd, &o.FieldManager)
	AddDryRun(cmd, "Print a plan and change nothing: client only reads, server also sends the writes as dry runs. "+
		"-v=2 also prints the whole SQL script.")
}

// scriptLevel is the verbosity at which a dry run prints the whole script.
const scriptLevel = 2

// verbosity returns the value of the flag -v of the root command.
func verbosity(cmd *cobra.Command) int {
	level, err := cmd.Flags().GetInt("v")
	if err != nil {
		return 0
	}
	return level
}

// Complete returns the options. Its errors are usage errors.
func (f *Run) Complete(cmd *cobra.Command) (options binding.Options, err error) {
	options = f.options
	options.DryRun, err = DryRun(cmd)
	options.Script = verbosity(cmd) >= scriptLevel
	return options, errors.Join(err, CheckDurations(Duration{"timeout", options.Timeout}))
}
