// Package unbind is the command "kubectl pgbind unbind".
package unbind

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options select bindings and how they are removed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	manifests flags.Manifests
	server    flags.Server
	session   flags.Session
	selection flags.Selection
	unbind    unbind.Options
	yes       bool
	names     flags.Names

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
		Use:        "unbind TYPE/NAME... | binding/NAME... | -f FILENAME | --all | -l SELECTOR",
		SuggestFor: []string{"delete", "remove", "unset"},
		Short:      "Remove the PostgreSQL users of workloads, keeping their data",
		Long: templates.LongDesc(`
			Remove the PostgreSQL users of workloads and keep their data.

			For each workload, pgbind removes the reference to the Secret, waits until no Pod uses it, disables the user, terminates its sessions,
			reassigns what the user owns to a role that cannot log in, drops the user, and deletes the Secret. Tables that the workload
			created stay, and the next binding can use them. If data would be lost, pgbind stops before it changes anything.

			With --all, --all-namespaces or --selector, it lists the bindings and asks for confirmation; without a terminal, use --yes.

			If a workload fails, pgbind continues with the others. Run the same command again to complete an interrupted run. If nothing is
			bound, it changes nothing.`),
		Example: templates.Examples(`
			# Remove what "kubectl pgbind bind deployment/web" created, even if the Deployment was deleted
			kubectl pgbind unbind deployment/web

			# Print what would be removed
			kubectl pgbind unbind deployment/web --dry-run=client

			# Also drop the database that "kubectl pgbind bind deployment/web --create-database" created, and all data in it
			kubectl pgbind unbind deployment/web --drop-database

			# Remove the bindings of the workloads of a manifest
			kubectl pgbind unbind -f deployment.yaml

			# Remove every binding of the namespace, after a list and a confirmation
			kubectl pgbind unbind --all

			# Remove the bindings of one application without confirmation
			kubectl pgbind unbind -l app=web --yes`),
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

func (o *Options) addTo(cmd *cobra.Command) {
	set, u := cmd.Flags(), &o.unbind
	o.server.AddTo(set, flags.ServerOfBinding)
	o.session.AddTo(set)
	o.manifests.AddTo(cmd)
	o.selection.AddTo(cmd)
	set.DurationVar(&u.Grace, "grace", flags.DefaultGrace, "Time for open sessions to end before they are terminated")
	set.DurationVar(&u.Timeout, "timeout", flags.DefaultTimeout, "Time to wait for the Pods that still use the Secret")
	set.BoolVar(&u.Force, "force", false, "Proceed even if other workloads use the Secret and lose their login")
	set.BoolVar(&u.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	set.BoolVar(&u.Recreate, "recreate", false, "Replace a bare Pod with a copy that does not use the Secret")
	set.BoolVar(&u.Keep, "keep-role", false, "Keep the user but disable its login; the next bind enables it again")
	set.BoolVar(&u.Purge, "purge", false, "Also drop the access role if it has no other members and owns nothing")
	set.BoolVar(&u.DropDatabase, "drop-database", false,
		"Also drop the database and all data in it, if pgbind created it and nobody else uses it. You confirm it with its name")
	set.BoolVarP(&o.yes, "yes", "y", false, "Do not ask for confirmation")
	set.BoolVar(&u.Abandon, "abandon-role", false,
		"Do not drop the user, because its database no longer exists; print the SQL that would drop it")
	flags.AddFieldManager(cmd, &u.FieldManager)
	flags.AddDryRun(cmd, flags.DryRunRehearses)
	o.names.AddTo(cmd)
}

// Complete finds the namespace and the server.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	if o.unbind.DryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	password, _ := secret.ParsePasswordSource(o.server.Spec.AdminPasswordFrom) // Validate reports its error
	if err := o.manifests.CheckStdin(password); err != nil {
		return err
	}
	if o.workloads, o.namespace, err = o.manifests.Workloads(o.connection, o.streams.In, args); err != nil {
		return err
	}
	o.server.Complete(cmd)
	o.unbind.Named = o.server.Named
	o.unbind.Postgres, err = o.server.Ref(o.namespace)
	return err
}

// Validate rejects invalid values and contradictions.
func (o *Options) Validate() error {
	u := &o.unbind
	if u.Abandon && (u.Keep || u.Purge) || u.Keep && u.Purge {
		return errors.New("specify only one of --abandon-role, --keep-role and --purge")
	}
	if u.DropDatabase && (u.Abandon || u.Keep || workload.Number(o.workloads) != 1) {
		return errors.New("--drop-database takes the name of one workload, and neither --abandon-role nor --keep-role")
	}
	return errors.Join(o.selection.Validate(o.workloads), o.server.Validate(), o.names.Validate(),
		flags.CheckDurations(flags.Duration{Flag: "grace", Value: u.Grace}, flags.Duration{Flag: "timeout", Value: u.Timeout}))
}

// Run removes all selected bindings in one run.
func (o *Options) Run(ctx context.Context) error {
	report := printers.NewReport(o.streams, printers.ResultSuffix(o.unbind.DryRun))
	report.Objects = o.names.IsSet()
	connection := client.ForMany(o.connection, flags.RequestConcurrency)
	clients, err := client.New(connection)
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	admin, err := o.server.Administrator(ctx, clients, o.streams.In, o.unbind.Postgres.Namespace)
	if err != nil {
		return err
	}
	unbinder := factory.NewUnbinder(clients, report, func(*server.Endpoint, *inventory.Binding) client.Administrator { return admin })
	options := o.unbind
	if options.DropDatabase {
		// The administrator works in another database than the one that is dropped.
		unbinder.Roles = func(e *server.Endpoint, _ *inventory.Binding) unbind.Roles {
			return clients.Server(e, admin, "")
		}
		options.ConfirmDrop = o.confirmDrop
	}
	var items []*unbind.Item
	if o.selection.Many() {
		if items, err = o.selected(ctx, connection, report); err == nil {
			unbinder.ReadWorkloads(ctx, items)
		}
	} else {
		items, err = o.named(ctx, clients, unbinder)
	}
	if err != nil {
		return err
	}
	err = unbinder.Unbind(ctx, items, options)
	return utilerrors.NewAggregate([]error{err, o.names.Print(o.streams.Out, unbind.Removed(items))})
}

// named returns the bindings in the arguments, and those of the workloads in the arguments.
func (o *Options) named(ctx context.Context, c *client.Clients, u *unbind.Unbinder) (items []*unbind.Item, err error) {
	names, workloads := inventory.Split(o.workloads)
	for _, name := range names {
		b, err := inventory.Read(ctx, c.Kube, o.namespace, name)
		if err != nil {
			return nil, err
		}
		item := unbind.NewItem(b.Subject, inventory.Filter{Secret: name})
		item.Choice = o.server.Choice()
		items = append(items, item)
	}
	u.ReadWorkloads(ctx, items)
	if len(workloads) == 0 {
		return items, nil
	}
	found, err := c.Workloads.Lookup(ctx, o.namespace, workloads)
	if err != nil {
		return nil, err
	}
	for _, w := range found {
		item := unbind.NewItem(inventory.Subject{Namespace: o.namespace, Name: w.Name, Workload: w.Workload}, o.selection.Filter)
		item.Choice = o.server.Choice()
		items = append(items, item)
	}
	return items, nil
}

// selected returns the bindings that the flags select, after the user confirmed their list. Their workloads are not read yet.
func (o *Options) selected(ctx context.Context, connection *genericclioptions.ConfigFlags, r *printers.Report) ([]*unbind.Item, error) {
	bindings, err := o.selection.Read(ctx, connection, r)
	if err != nil {
		return nil, err
	}
	var items []*unbind.Item
	var chosen printers.Bindings
	for _, b := range bindings {
		if !o.selection.Filter.Matches(b.SecretName, b.Marks.DBName) {
			continue
		}
		item := unbind.NewItem(inventory.Subject{Namespace: b.Namespace, Name: b.Marks.Workload}, inventory.Filter{Secret: b.SecretName})
		item.Choice = o.server.Choice()
		items, chosen = append(items, item), append(chosen, b)
	}
	if len(items) == 0 {
		r.Step("nothing to unbind")
		return nil, nil
	}
	return items, o.confirm(ctx, chosen)
}

// confirm lists the bindings that flags select, which the user did not name, and asks for confirmation. A dry run prints a plan of each.
func (o *Options) confirm(ctx context.Context, chosen printers.Bindings) error {
	if o.unbind.DryRun != cmdutil.DryRunNone {
		return nil
	}
	proposal := printers.Proposal{
		Verb: "unbind", Question: fmt.Sprintf("Remove these %d?", len(chosen)), Table: chosen.Table(time.Now()),
		WithNamespace: o.selection.AllNamespaces(), Yes: o.yes,
	}
	_, err := proposal.Confirm(ctx, o.streams)
	return err
}

func (o *Options) confirmDrop(ctx context.Context, database string) error {
	if o.yes {
		return nil
	}
	return printers.ConfirmName(ctx, o.streams, "database", database)
}
