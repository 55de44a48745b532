package cmd

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

// newOptionsCommand prints the connection flags, which are not in the help of the other commands, as in kubectl.
func newOptionsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "options",
		Short: "Print the list of flags inherited by all commands",
		Long:  "Print the list of flags inherited by all commands.",
		Example: templates.Examples(`
			# Print the flags that every command accepts
			kubectl pgbind options`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Usage() },
	}
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.Out)
	templates.UseOptionsTemplates(cmd)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = cmd.Usage() }) // a write that fails has nowhere to be reported
	return cmd
}
