// Package diff is the command "kubectl pgbind diff".
package diff

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// Options select the files to compare.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	files flags.Files
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Show what apply would change",
		Long: templates.LongDesc(`
			Show what apply would change.

			It compares the files with the metadata of Secrets and workloads. It queries the server only to find a database that a file does
			not name; use check to verify privileges and logins.

			The exit code is 0 if nothing would change, 1 if something would change, and 2 after an error.`),
		Example: templates.Examples(`
			# Show what would change
			kubectl pgbind diff -f bindings.yaml

			# Show what would change for all files of a folder; the exit code is 1 if there is a difference
			kubectl pgbind diff -f bindings -R`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.files.AddTo(cmd)
	return cmd, o
}

// Complete implements command.Options.
func (o *Options) Complete(*cobra.Command, []string) error { return nil }

// Validate requires a file.
func (o *Options) Validate() error { return o.files.Validate() }

// Run prints the differences. Every error has the exit code of an error, so that a script can distinguish it from a difference.
func (o *Options) Run(ctx context.Context) error { return command.WithCode(command.Usage, o.run(ctx)) }

func (o *Options) run(ctx context.Context) error {
	documents, err := o.files.Read(o.connection, o.streams.In)
	if err != nil {
		return err
	}
	items, err := binding.NewItems(documents, binding.Options{})
	if err != nil {
		return err
	}
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	found, err := binding.ReadLive(ctx, clients.Inventory(), items, labels.Everything())
	if err != nil {
		return err
	}
	if err := binding.CompleteFrom(ctx, factory.NewResolver(clients, o.streams), items, found); err != nil {
		return err
	}
	different, err := printers.PrintDifferences(o.streams.Out, binding.Compare(items, found, time.Now()))
	if err == nil && different {
		return &command.Error{Code: command.Failed}
	}
	return err
}
