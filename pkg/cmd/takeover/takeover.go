// Package takeover is the command "kubectl pgbind takeover".
package takeover

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
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
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options select a workload, and how it is moved.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	server  flags.Server
	session flags.Session
	binding binding.Options
	unbind  unbind.Options
	undo    bool
	all     bool
	yes     bool
	names   flags.Names

	namespace string
	workloads []string
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:   "takeover TYPE/NAME... | --all",
		Short: "Move workloads from shared or superuser logins to their own",
		Long: templates.LongDesc(`
			Move workloads from a login that they share, or that is a superuser, to PostgreSQL users of their own.

			For each workload, pgbind finds the present login in its variables, verifies it, and creates a user under the same names, as
			"kubectl pgbind bind --names-from-workload" does. What the present login owns in the schemas goes to the access role of the new user,
			one object at a time. Then pgbind waits until the new Pods are ready and the present login has no sessions of this workload. The present
			login itself stays as it is.

			These objects stay with the present login, and pgbind names them: SECURITY DEFINER functions, foreign tables, views that read something
			outside the schemas, and large objects that other roles use. Members of extensions, publications, and event triggers stay as well.

			If a step fails before the workload is changed, pgbind rolls everything back for that workload and continues with the others. Run the
			same command again to complete an interrupted run. With --undo, pgbind gives back the ownership and the variables, and removes the user.

			With --all, pgbind runs an audit first, and moves each workload of the namespace that logs in as a superuser, or as a role that another
			workload uses too.`),
		Example: templates.Examples(`
			# Print every statement and every change
			kubectl pgbind takeover deployment/forgejo --dry-run=client

			# Give the Deployment a user of its own
			kubectl pgbind takeover deployment/forgejo

			# Go back
			kubectl pgbind takeover deployment/forgejo --undo

			# Move every workload that an audit of the namespace finds
			kubectl pgbind takeover --all --dry-run=client`),
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

func (o *Options) addTo(cmd *cobra.Command) {
	set, s, b := cmd.Flags(), &o.server.Spec, &o.binding
	o.server.AddTo(set, flags.ServerOfNamespace)
	o.session.AddTo(set)
	set.StringVar(&s.DBName, "dbname", "", "Database that the workload uses (default: the only one that is not postgres, or postgres)")
	set.StringSliceVar(&s.Schemas, "schema", nil, "Schema whose objects are handed over; repeatable (default: public)")
	set.BoolVar(
		&s.Isolated, "isolated", false,
		"Give the binding an access role of its own, so that it shares no objects with other bindings",
	)
	set.StringVar(&s.Secret, "secret", "", "Name of the Secret (default: WORKLOAD-pgbind)")
	set.StringSliceVarP(&s.Containers, "container", "c", nil, "Container that has the login, repeatable; '*' for all "+
		"(default: the container of the default-container annotation, or else the only one)")
	set.BoolVar(
		&o.all,
		"all",
		false,
		"All workloads of the namespace that an audit finds with the login of a superuser or with a shared one",
	)
	set.BoolVar(&o.undo, "undo", false, "Give back the ownership and the variables, and remove the user")
	set.BoolVarP(&o.yes, "yes", "y", false, "Proceed without confirmation if something else uses the present login, or with --undo")
	set.BoolVar(&b.Force, "force", false, "Proceed even if another field manager owns the variables and may revert the change")
	set.BoolVar(&b.Wait, "wait", true, "Wait until the new Pods are ready and the sessions of the present login have ended")
	set.DurationVar(&b.Timeout, "timeout", flags.DefaultTimeout, "Time to wait for the Pods, and then for the sessions")
	set.DurationVar(&o.unbind.Grace, "grace", flags.DefaultGrace, "With --undo: time for open sessions to end before they are terminated")
	set.BoolVar(&b.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	flags.AddFieldManager(cmd, &b.FieldManager)
	flags.AddDryRun(cmd, "Print every statement and every change, and change nothing: client only reads, "+
		"server also sends the writes to the API server as dry runs.")
	o.names.AddTo(cmd)
}

// Complete finds the namespace and the server.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	o.workloads = args
	if o.binding.DryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	if o.namespace, err = flags.NamespaceOf(o.connection); err != nil {
		return err
	}
	o.server.Complete(cmd)
	u, b := &o.unbind, &o.binding
	u.Timeout, u.Force, u.Restart, u.DryRun, u.Named = b.Timeout, b.Force, b.Restart, b.DryRun, o.server.Named
	u.Postgres, err = o.server.Ref(o.namespace)
	return err
}

// Validate rejects arguments that are not workloads, and contradictions.
func (o *Options) Validate() error {
	s := o.server.Spec
	if !o.all {
		if err := inventory.CheckWorkloads(o.workloads); err != nil {
			return err
		}
	}
	switch {
	case o.all && (len(o.workloads) > 0 || o.undo):
		return errors.New("specify workloads or --all, but not both, and not with --undo")
	case o.undo && o.names.IsSet():
		return errors.New("--undo removes the binding: leave out --output")
	case o.undo && (len(s.Schemas) > 0 || s.Isolated || len(s.Containers) > 0 || s.Secret != "" || s.DBName != ""):
		return errors.New("--undo takes schemas, containers, Secret and database from the takeover: leave the other flags out")
	case s.Secret != "" && (o.all || workload.Number(o.workloads) > 1):
		return errors.New("--secret names one Secret: take over one workload at a time")
	}
	return errors.Join(o.server.Validate(), o.names.Validate(), flags.CheckDurations(
		flags.Duration{Flag: "timeout", Value: o.binding.Timeout}, flags.Duration{Flag: "grace", Value: o.unbind.Grace}))
}

// Run moves the workloads, or moves them back.
func (o *Options) Run(ctx context.Context) error {
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	admin, err := o.server.Administrator(ctx, clients, o.streams.In, o.unbind.Postgres.Namespace)
	if err != nil {
		return err
	}
	with := factory.Take{
		Report: printers.NewReport(o.streams, printers.ResultSuffix(o.binding.DryRun)), Administrator: admin, Confirm: o.confirm,
	}
	if o.undo {
		return o.undoAll(ctx, clients, with)
	}
	items, err := o.items(ctx, clients, with)
	if err != nil {
		return err
	}
	return o.takeAll(ctx, clients, with, items)
}

// confirm asks the user, unless --yes answers.
func (o *Options) confirm(ctx context.Context, question string) error {
	if o.yes {
		return nil
	}
	return printers.Confirm(ctx, o.streams, "change what others use", question)
}

// items returns an item for each workload that is moved.
func (o *Options) items(ctx context.Context, clients *client.Clients, with factory.Take) ([]*binding.Item, error) {
	specs := map[string]v1alpha1.BindingSpec{}
	if o.all {
		var err error
		if o.workloads, specs, err = o.audit(ctx, clients, with); err != nil || len(o.workloads) == 0 {
			return nil, err
		}
	}
	workloads, err := clients.Workloads.Get(ctx, o.namespace, o.workloads)
	if err != nil {
		return nil, printers.IfNotFound(err, o.namespace)
	}
	var items []*binding.Item
	for i, w := range workloads {
		spec := o.server.Spec
		if o.all {
			spec = specs[o.workloads[i]]
		}
		if found := binding.Validate(spec); len(found) > 0 {
			return nil, command.WithCode(command.Usage, fmt.Errorf("invalid flags: %w", found[0]))
		}
		options := o.binding
		options.Values.AdminPassword = with.Administrator.Password
		items = append(items, &binding.Item{Workload: w, Spec: spec, Options: options})
	}
	return items, nil
}

// takeAll moves the workloads one after the other. One that fails does not prevent the others.
func (o *Options) takeAll(ctx context.Context, clients *client.Clients, with factory.Take, items []*binding.Item) error {
	results := printers.NewResults(o.streams, printers.ResultSuffix(o.binding.DryRun), o.names.IsSet(), items)
	with.Progress = results
	taker := factory.NewTaker(clients, o.streams, with)
	var errs []error
	for _, item := range items {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		if err := taker.Take(ctx, item); err != nil && item.Err == nil {
			item.Err = err
		}
		results.Finished(item)
	}
	errs = append(errs, results.Errors()...)
	for _, b := range results.Bindings() {
		errs = append(errs, o.names.Print(o.streams.Out, []string{b.Name}))
	}
	return utilerrors.NewAggregate(errs)
}

// undoAll moves the workloads back, one after the other.
func (o *Options) undoAll(ctx context.Context, clients *client.Clients, with factory.Take) error {
	found, err := clients.Workloads.Lookup(ctx, o.namespace, o.workloads)
	if err != nil {
		return err
	}
	taker := factory.NewTaker(clients, o.streams, with)
	var errs []error
	for _, w := range found {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		n := inventory.Subject{Namespace: o.namespace, Name: w.Name, Workload: w.Workload}
		errs = append(errs, taker.Undo(ctx, n, o.server.Choice(), o.unbind))
	}
	return utilerrors.NewAggregate(errs)
}
