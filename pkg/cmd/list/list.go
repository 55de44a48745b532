// Package list is the command "kubectl pgbind list".
package list

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// Options select bindings and how they are printed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope  flags.Scope
	output *flags.Output
	tree   bool

	namespace string // empty: all namespaces
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams, output: flags.NewOutput()}
	cmd := &cobra.Command{
		Use:        "list",
		SuggestFor: []string{"show", "get", "ls"},
		Short:      "List the bindings of a namespace",
		Long: templates.LongDesc(`
			List the bindings of a namespace or of all namespaces.

			It reads the metadata of Secrets and workloads from the API server, and the pod templates of bound workloads, but not the values of
			Secrets; you still need permission to list Secrets. Without it, the command shows what the annotations of workloads contain. It does not query the database; use check to verify bindings.`),
		Example: templates.Examples(`
			# List the bindings of the current namespace
			kubectl pgbind list

			# Show each database of the cluster with its roles, Secrets and workloads
			kubectl pgbind list -A --tree

			# Also print Secrets, servers, roles and expiry
			kubectl pgbind list -o wide

			# Print the bindings as arguments of other commands
			kubectl pgbind list -l app=web -o name

			# Print the roles of the bindings of one application
			kubectl pgbind list -l app=web -o jsonpath='{.items[*].status.role}'`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.scope.AddTo(cmd)
	o.scope.Templates = true
	o.output.AddTo(cmd)
	cmd.Flags().BoolVar(&o.tree, "tree", false, "Print a tree of databases, access roles, login roles, Secrets and workloads")
	return cmd, o
}

// Complete finds the namespace.
func (o *Options) Complete(*cobra.Command, []string) (err error) {
	o.namespace, err = o.scope.Namespace(o.connection)
	return err
}

// Validate rejects invalid combinations of flags.
func (o *Options) Validate() error {
	if o.tree && *o.output.OutputFormat != "" {
		return errors.New("specify either --tree or --output")
	}
	return errors.Join(o.scope.Validate(), o.output.Validate())
}

// Run prints the bindings.
func (o *Options) Run(ctx context.Context) error {
	found, err := o.scope.Read(ctx, o.connection, printers.NewReport(o.streams, ""))
	if err != nil {
		return err
	}
	picked, err := o.scope.Shard.Pick(found.Entries)
	bindings := printers.Bindings(picked)
	switch {
	case err != nil:
		return err
	case len(bindings) == 0 && o.output.IsTable(): // a tree as well
		printers.NothingFound(o.streams.ErrOut, o.namespace)
		return nil
	case o.tree:
		return bindings.WriteTree(o.streams.Out, time.Now())
	}
	return o.output.Print(o.streams.Out, bindings, o.namespace == "")
}
