package cmd

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

func newListCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	scope, output, tree := &scopeFlags{}, newOutputFlags(), false
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the bindings of a namespace",
		Long: templates.LongDesc(`
			List the bindings of a namespace, or of all.

			It asks the API server for metadata only, so that no Secret's values leave it; the right to list Secrets is needed all the same.
			Without it, what the workloads' annotations say is shown. No database is asked: whether it is still true is what check tells.`),
		Example: templates.Examples(`
			# List the bindings of the current namespace
			kubectl pgbind list

			# Show each database of the cluster with its roles, Secrets and workloads
			kubectl pgbind list -A --tree

			# Print the roles of the bindings of one application
			kubectl pgbind list -l app=web -o jsonpath='{.items[*].status.role}'`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tree && *output.OutputFormat != "" {
				return fmt.Errorf("--tree and --output exclude each other")
			}
			cmd.SilenceUsage = true
			found, namespace, err := scope.read(cmd.Context(), connection, newReport(streams, ""))
			if err == nil {
				found.Bindings, err = scope.shard.pick(found.Bindings)
			}
			switch {
			case err != nil:
				return err
			case tree:
				return printTree(streams.Out, found)
			case len(found.Bindings) == 0 && output.human():
				nothingFound(streams, namespace)
				return nil
			}
			return output.print(streams, found, namespace == "")
		},
	}
	scope.addTo(cmd)
	output.addTo(cmd)
	cmd.Flags().BoolVar(&tree, "tree", false, "Draw each database with its access roles, login roles, Secrets and workloads")
	return cmd
}

// printTree draws the bindings; a terminal gets the states in colour.
func printTree(out io.Writer, found *inventory.Inventory) error {
	text := &strings.Builder{}
	if err := found.WriteTree(text, time.Now()); err != nil {
		return err
	}
	_, err := io.WriteString(out, palette(printers.AllowsColorOutput(out)).tree(text.String()))
	return err
}

// nothingFound says that there is nothing, in kubectl's words.
func nothingFound(streams genericiooptions.IOStreams, namespace string) {
	if namespace == "" {
		fmt.Fprintln(streams.ErrOut, "No resources found")
		return
	}
	fmt.Fprintf(streams.ErrOut, "No resources found in %s namespace.\n", namespace)
}
