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
			List the bindings of a namespace or of all namespaces.

			It reads only metadata from the API server, not the values of Secrets; you still need permission to list Secrets. Without it, the
			command shows what the annotations of workloads contain. It does not query the database; use check to verify bindings.`),
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
				return fmt.Errorf("specify either --tree or --output")
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
	cmd.Flags().BoolVar(&tree, "tree", false, "Print a tree of databases, access roles, login roles, Secrets and workloads")
	return cmd
}

// printTree prints the bindings as a tree. On a terminal the states are in colour.
func printTree(out io.Writer, found *inventory.Inventory) error {
	text := &strings.Builder{}
	if err := found.WriteTree(text, time.Now()); err != nil {
		return err
	}
	_, err := io.WriteString(out, palette(printers.AllowsColorOutput(out)).tree(text.String()))
	return err
}

// nothingFound prints the message of kubectl for an empty result.
func nothingFound(streams genericiooptions.IOStreams, namespace string) {
	if namespace == "" {
		fmt.Fprintln(streams.ErrOut, "No resources found")
		return
	}
	fmt.Fprintf(streams.ErrOut, "No resources found in %s namespace.\n", namespace)
}
