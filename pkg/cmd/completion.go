package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/plugins"
)

// newCompletionCommand takes the place of cobra's, which completes "pgbind" instead of "kubectl pgbind".
func newCompletionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion",
		Short: "Print the script by which kubectl completes this plugin",
		Long: templates.LongDesc(`
			Print the script by which kubectl completes this plugin.

			Put it into a folder of your PATH as an executable file with the name kubectl_complete-pgbind. It works in every shell in which
			kubectl itself completes, from kubectl 1.26 on, and needs no cluster to be installed.`),
		Example: templates.Examples(`
			# Show the script
			kubectl pgbind completion

			# Install it beside the plugin itself
			kubectl pgbind completion > ~/.local/bin/kubectl_complete-pgbind && chmod +x ~/.local/bin/kubectl_complete-pgbind`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(streams.Out, plugins.CompletionShim())
			return err
		},
	}
}
