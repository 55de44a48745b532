package completion

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/plugins"
)

// NewCommand returns the command "completion". It replaces the one of cobra, which completes "pgbind" instead of "kubectl pgbind".
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion [SHELL]",
		Short: "Print the script with which kubectl completes this plugin",
		Long: templates.LongDesc(`
			Print the script with which kubectl completes this plugin.

			Write it to an executable file named kubectl_complete-pgbind in a directory of your PATH. It works in every shell in which kubectl
			itself completes, with kubectl 1.26 or later: it is the same for each SHELL, so that you can leave it out. This command needs no cluster.`),
		Example: templates.Examples(`
			# Print the script
			kubectl pgbind completion

			# Install the script in the same directory as the plugin
			kubectl pgbind completion > ~/.local/bin/kubectl_complete-pgbind && chmod +x ~/.local/bin/kubectl_complete-pgbind`),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(streams.Out, plugins.CompletionShim())
			return err
		},
	}
}
