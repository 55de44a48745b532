// Package apply is the command "kubectl pgbind apply".
package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// execConcurrency is the number of simultaneous execs in the Pods of a node.
const execConcurrency = 4

// Options select files of bindings and how they are applied.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	files             flags.Files
	run               flags.Run
	session           flags.Session
	shard             flags.Shard
	concurrency       int
	serverConcurrency int
	prune             bool // remove the bindings of the selected workloads that no file contains
	selector          string
	yes               bool
	grace             time.Duration
	output            *genericclioptions.PrintFlags

	binding binding.Options
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams, output: genericclioptions.NewPrintFlags("")}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Create and update bindings from files",
		Long: templates.LongDesc(`
			Create and update bindings from files.

			A file contains documents of kind Binding (apiVersion pgbind.dev/v1alpha1), or a List of them, as "kubectl pgbind list -o yaml"
			prints it. If a file has an error, pgbind prints the error and changes nothing.

			A binding that already matches its file does not change. If one binding fails, pgbind rolls back what it created for that binding
			and continues with the others. Run the same command again to retry. The exit code is 1 if any binding failed.`),
		Example: templates.Examples(`
			# Apply all bindings of a folder
			kubectl pgbind apply -f bindings/ -R

			# Apply the output of a program, without waiting for the Pods
			generate-bindings | kubectl pgbind apply -f - --wait=false

			# Also remove the bindings of the team's workloads that the file does not contain
			kubectl pgbind apply -f bindings.yaml --prune -l team=shop`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

func (o *Options) addTo(cmd *cobra.Command) {
	set := cmd.Flags()
	o.files.AddTo(cmd)
	o.run.AddTo(cmd)
	o.session.AddTo(set)
	set.IntVar(&o.concurrency, "concurrency", flags.RequestConcurrency, "Number of simultaneous requests to the API server")
	set.IntVar(
		&o.serverConcurrency, "server-concurrency", execConcurrency,
		"Number of simultaneous commands in the database Pods of one node",
	)
	set.BoolVar(&o.prune, "prune", false, "Remove bindings that the files do not contain, "+
		"of workloads that match --selector in the namespaces of the files")
	set.StringVarP(&o.selector, "selector", "l", "", "Label selector for the workloads that --prune checks")
	set.BoolVarP(&o.yes, "yes", "y", false, "Do not ask for confirmation before --prune removes bindings")
	set.DurationVar(&o.grace, "grace", flags.DefaultGrace, "Time for open sessions to end before --prune terminates them")
	o.shard.AddTo(set)
	o.output.AddFlags(cmd)
	flags.HideRareOutput(cmd.Flags())
	flags.CompleteOutput(cmd, o.output.AllowedFormats())
}

// Complete reads the options of the run.
func (o *Options) Complete(cmd *cobra.Command, _ []string) (err error) {
	o.binding, err = o.run.Complete(cmd)
	return err
}

// Validate rejects invalid values and contradictions. Run checks the files.
func (o *Options) Validate() error {
	switch {
	case o.concurrency < 1 || o.serverConcurrency < 1:
		return errors.New("--concurrency and --server-concurrency must be 1 or more")
	case o.prune && o.selector == "":
		return errors.New("--prune needs --selector: set the labels of the workloads whose bindings the files contain")
	case !o.prune && (o.selector != "" || o.yes):
		return errors.New("--selector and --yes need --prune")
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return fmt.Errorf("read --selector: %w", err)
	}
	_, err := o.shard.Parse()
	_, errOutput := o.output.ToPrinter()
	return errors.Join(err, errOutput, o.files.Validate(), flags.CheckDurations(flags.Duration{Flag: "grace", Value: o.grace}))
}

// Run applies the bindings of the files, and prunes others if that was requested and none failed.
func (o *Options) Run(ctx context.Context) error {
	documents, err := o.files.Read(o.connection, o.streams.In)
	if err != nil {
		return err
	}
	items, err := binding.NewItems(documents, o.binding)
	if err != nil {
		return err
	}
	clients, err := client.New(client.ForMany(o.connection, o.concurrency))
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	part, err := o.shard.Parse()
	if err != nil {
		return err
	}
	progress := printers.NewProgress(o.streams, len(binding.Shard(part, items)), printers.ResultSuffix(o.binding.DryRun))
	progress.Objects = o.output.OutputFlagSpecified()
	connected := &connection{Progress: progress}
	pipeline := factory.NewPipeline(clients, o.streams, connected)
	pipeline.ServerConcurrency, pipeline.Part = o.serverConcurrency, part
	for _, item := range items {
		item.Report = &printers.Notes{}
	}
	err = pipeline.Run(ctx, items)
	if err := connected.error(); err != nil {
		return err
	}
	progress.End()
	if errPrint := o.print(items); err == nil {
		err = errPrint
	}
	switch {
	case err != nil:
		return err
	case progress.Failed() > 0 && o.prune:
		fmt.Fprintln(o.streams.ErrOut, "Pruned nothing, because some bindings failed.")
		fallthrough
	case progress.Failed() > 0:
		return &command.Error{Code: command.Failed}
	case o.prune:
		return o.pruneUnnamed(ctx, clients, items, progress.IDs())
	}
	return nil
}

// print prints the bindings that did not fail as objects, if that was requested, in the order of the files.
func (o *Options) print(items []*binding.Item) error {
	if !o.output.OutputFlagSpecified() {
		return nil
	}
	printer, err := o.output.ToPrinter()
	if err != nil {
		return err
	}
	var bindings []*v1alpha1.Binding
	for _, i := range items {
		if i.Err == nil && i.Binding != nil {
			bindings = append(bindings, i.Binding)
		}
	}
	return printers.PrintResults(o.streams.Out, printer, bindings)
}
