// Package bind is the command "kubectl pgbind bind", which is also "kubectl pgbind" without a command.
package bind

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options select workloads and how they are bound.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	manifests flags.Manifests
	ofType    flags.OfType
	specFlags flags.Spec
	session   flags.Session
	runFlags  flags.Run
	output    *genericclioptions.PrintFlags

	namespace string
	workloads []string
	kind      workload.Type // of the workloads that ofType selects
	spec      v1alpha1.BindingSpec
	sources   binding.Sources
	binding   binding.Options
}

// NewOptions returns the options of a bind without flags.
func NewOptions(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *Options {
	return &Options{connection: connection, streams: streams, output: genericclioptions.NewPrintFlags("")}
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := NewOptions(connection, streams)
	cmd := &cobra.Command{
		Use:        "bind (-f FILENAME | TYPE/NAME... | TYPE (-l SELECTOR | --all))",
		SuggestFor: []string{"create", "add"},
		Short:      "Give workloads their own PostgreSQL users",
		Long: templates.LongDesc(`
			Give workloads their own PostgreSQL users.

			For each workload, pgbind creates a user in the database Pod, grants it the privileges of the access level, verifies its login over the
			network, writes host, user name and password to a Secret, and adds a reference to the Secret to the workload.

			If a step fails, pgbind rolls back what it created for that workload and continues with the others. Running the same command again
			changes nothing. "kubectl pgbind TYPE/NAME..." is the same command.`),
		Example: templates.Examples(`
			# Give the Deployment its own user in the database shop of a server
			kubectl pgbind bind deployment/web --postgres service/pg --dbname shop

			# The same with a user that reads and writes rows, and creates nothing
			kubectl pgbind bind deployment/web --postgres service/pg --dbname shop --access readwrite

			# Also give the container the variable DATABASE_URL
			kubectl pgbind bind deployment/web --postgres service/pg --dbname shop --env 'DATABASE_URL={{.URI}}'

			# Use a server in another namespace
			kubectl pgbind bind deployment/web --postgres service/pg --postgres-namespace data --dbname shop

			# In the lesson's namespace: the database postgres of pod/postgresql-sfs-0
			kubectl pgbind bind deployment/postgresql-application

			# Bind several workloads
			kubectl pgbind bind deployment/postgresql-application deployment/web

			# Bind the workloads of a manifest
			kubectl pgbind bind -f deployment.yaml

			# Bind every Deployment with a label
			kubectl pgbind bind deployment -l app=web

			# Print what would change
			kubectl pgbind bind deployment/web --dry-run=client`),
		RunE: command.RunE(o),
	}
	o.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags, in groups.
func (o *Options) AddFlags(cmd *cobra.Command) {
	o.manifests.AddTo(cmd)
	o.ofType.AddTo(cmd)
	flags.Group(cmd.Flags(), "Selection Options")
	o.specFlags.AddTo(cmd.Flags())
	o.runFlags.AddTo(cmd)
	o.session.AddTo(cmd.Flags())
	flags.Group(cmd.Flags(), "Run Options")
	o.output.AddFlags(cmd)
	flags.HideRareOutput(cmd.Flags())
	flags.CompleteOutput(cmd, o.output.AllowedFormats())
	flags.Group(cmd.Flags(), "Output Options")
}

// Complete turns the flags into a spec and options.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	if o.spec, o.sources, err = o.specFlags.Complete(); err != nil {
		return err
	}
	if o.binding, err = o.runFlags.Complete(cmd); err != nil {
		return err
	}
	if err := o.manifests.CheckStdin(o.sources.Password, o.sources.AdminPassword); err != nil {
		return err
	}
	if o.manifests.IsSet() && o.ofType.IsSet() {
		return errors.New("specify manifests with -f, or workloads with --selector or --all, but not both")
	}
	o.workloads, o.namespace, err = o.manifests.Workloads(o.connection, o.streams.In, args)
	return err
}

// Validate rejects arguments that are not workloads, contradictions and unknown formats. Complete has checked the spec.
func (o *Options) Validate() error {
	if err := o.checkWorkloads(); err != nil {
		return err
	}
	if _, err := o.output.ToPrinter(); err != nil {
		return err
	}
	return o.checkNumber(workload.Number(o.workloads))
}

// checkWorkloads rejects arguments that neither name workloads nor, with a selector, a type.
func (o *Options) checkWorkloads() (err error) {
	if !o.ofType.IsSet() {
		return inventory.CheckWorkloads(o.workloads)
	}
	o.kind, err = o.ofType.Type(o.workloads)
	return err
}

// read returns the workloads to bind. With an error about some of them, it returns the others.
func (o *Options) read(ctx context.Context, clients *client.Clients) ([]*workload.Workload, error) {
	if !o.ofType.IsSet() {
		return clients.Workloads.Get(ctx, o.namespace, o.workloads)
	}
	found, err := clients.Workloads.Selected(ctx, o.namespace, o.kind, o.ofType.Selector)
	if err == nil && len(found) == 0 {
		printers.NothingFound(o.streams.ErrOut, o.namespace)
	}
	return found, err
}

// checkNumber refuses names for several workloads.
func (o *Options) checkNumber(workloads int) error {
	switch {
	case workloads > 1 && o.spec.Username != "":
		return errors.New("--username names the user of one workload: bind the workloads one by one")
	case workloads > 1 && o.spec.Secret != "":
		return errors.New("--secret names the Secret of one workload: bind the workloads one by one")
	}
	return nil
}

// Run binds the workloads in one run of the pipeline, and prints the results in the order of the arguments.
func (o *Options) Run(ctx context.Context) error {
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	workloads, errRead := o.read(ctx, clients)
	if err := o.checkNumber(len(workloads)); err != nil {
		return command.WithCode(command.Usage, err)
	}
	errs := printers.EachError(errRead, func(err error) error { return o.explain(ctx, clients, printers.IfNotFound(err, o.namespace)) })
	if len(workloads) == 0 {
		return utilerrors.NewAggregate(errs)
	}
	options := o.binding
	options.Confirm = printers.Asker(o.streams)
	if options.Values, err = o.values(ctx, clients); err != nil {
		return err
	}
	var items []*binding.Item
	for _, w := range workloads {
		for n, spec := range o.spec.Split() {
			item := &binding.Item{Workload: w, Spec: spec, Options: options}
			if n > 0 { // the chosen password is that of the first one
				item.Options.Values.Password = ""
			}
			items = append(items, item)
		}
	}
	results := printers.NewResults(o.streams, printers.ResultSuffix(options.DryRun), o.output.OutputFlagSpecified(), items)
	err = factory.NewPipeline(clients, o.streams, results).Run(ctx, items)
	errs = append(append(errs, err), results.Errors()...)
	if o.output.OutputFlagSpecified() {
		errs = append(errs, o.print(results.Bindings()))
	}
	return utilerrors.NewAggregate(errs)
}

// explain adds to the refusal to read a workload all other permissions that its bind lacks.
func (o *Options) explain(ctx context.Context, clients *client.Clients, err error) error {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || status.Status().Details == nil {
		return err
	}
	refused := status.Status().Details
	item := &binding.Item{Document: &manifest.Document{}, Spec: o.spec, Err: err}
	item.Document.Namespace = o.namespace
	item.Spec.Workload = strings.TrimSuffix(refused.Kind+"."+refused.Group, ".") + "/" + refused.Name
	factory.NewPipeline(clients, o.streams, nil).ExplainForbidden(ctx, item)
	return item.Err
}

// values reads the passwords and certificates once for all workloads, because standard input can be read only once.
func (o *Options) values(ctx context.Context, clients *client.Clients) (binding.Values, error) {
	reader := &secret.Reader{Kube: clients.Kube, Stdin: o.streams.In}
	return o.sources.Read(ctx, reader, o.spec.WithDefaults(o.namespace).PostgresNamespace, o.namespace)
}

// print prints the bindings as objects.
func (o *Options) print(bindings []*v1alpha1.Binding) error {
	printer, err := o.output.ToPrinter()
	if err != nil {
		return err
	}
	return printers.PrintResults(o.streams.Out, printer, bindings)
}
