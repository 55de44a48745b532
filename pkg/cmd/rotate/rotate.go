// Package rotate is the command "kubectl pgbind rotate".
package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Options select bindings and how their users are replaced.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	server    flags.Server
	session   flags.Session
	selection flags.Selection
	olderThan time.Duration
	rotate    rotate.Options
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
		Use:   "rotate TYPE/NAME... | binding/NAME... | --all | -l SELECTOR",
		Short: "Replace the PostgreSQL users of workloads",
		Long: templates.LongDesc(`
			Replace the PostgreSQL users of workloads. A rotation has no downtime if the rollout of the workload has none: with a rolling update, a
			readiness probe, and several replicas or room for one more Pod.

			For each binding, pgbind creates a new user with the privileges of the old one, verifies its login, writes it to the same Secret,
			replaces the Pods of every workload that uses the Secret, waits until the old user has no sessions, and drops it.

			If a step fails before the old user is disabled, pgbind rolls back the rotation of that binding. Run the same command again to
			complete an interrupted run. If Pods read the Secret as files, pgbind cannot know when they use the new user, and keeps the old one
			until the next rotation.`),
		Example: templates.Examples(`
			# Replace the user of the Deployment
			kubectl pgbind rotate deployment/web

			# Replace every user of the namespace that is older than 30 days
			kubectl pgbind rotate --all --older-than 30d

			# Replace the users of one application, and change only their passwords
			kubectl pgbind rotate -l app=web --in-place`),
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

func (o *Options) addTo(cmd *cobra.Command) {
	set, r := cmd.Flags(), &o.rotate
	o.server.AddTo(set, flags.ServerOfBinding)
	o.session.AddTo(set)
	o.selection.AddTo(cmd)
	set.Var(
		flags.NewAge(&o.olderThan), "older-than",
		"Only users that are older than this, for example 30d or 12h; needs --all or a selector",
	)
	set.DurationVar(&r.Timeout, "timeout", flags.DefaultTimeout, "Time to wait for the new Pods and for the end of the old ones")
	set.DurationVar(&r.Grace, "grace", flags.DefaultGrace, "Time for idle sessions of the old user to end before they are terminated")
	set.DurationVar(&r.Drain, "drain-timeout", flags.DefaultDrain, "Time for busy sessions of the old user to end after that")
	set.DurationVar(&r.Settle, "settle", flags.DefaultSettle, "Time for Pods to read changed files of the Secret")
	set.DurationVar(&r.DropAfter, "drop-after", 0, "Drop the old user after this time if Pods read the Secret's files "+
		"(default: the next rotation drops it)")
	set.BoolVar(&r.InPlace, "in-place", false, "Keep the user and change only its password; Pods that use the old password need a restart")
	set.BoolVar(&r.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	set.BoolVar(&r.Force, "force", false, "Proceed even if the old user has privileges of its own, which are lost")
	flags.AddFieldManager(cmd, &r.FieldManager)
	flags.AddDryRun(cmd, flags.DryRunRehearses)
	o.names.AddTo(cmd)
}

// Complete finds the namespace and the server.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	o.workloads = args
	if o.rotate.DryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	if o.namespace, err = flags.NamespaceOf(o.connection); err != nil {
		return err
	}
	o.server.Complete(cmd)
	o.rotate.Choice, o.rotate.Named = o.server.Choice(), o.server.Named
	o.rotate.Postgres, err = o.server.Ref(o.namespace)
	return err
}

// Validate rejects invalid values and contradictions.
func (o *Options) Validate() error {
	r := &o.rotate
	if err := o.selection.Validate(o.workloads); err != nil {
		return err
	}
	if !o.selection.Many() && o.olderThan > 0 {
		return errors.New("--older-than needs --all, --all-namespaces or --selector")
	}
	return errors.Join(o.names.Validate(), o.server.Validate(), flags.CheckDurations(
		flags.Duration{Flag: "older-than", Value: o.olderThan}, flags.Duration{Flag: "timeout", Value: r.Timeout},
		flags.Duration{Flag: "grace", Value: r.Grace}, flags.Duration{Flag: "drain-timeout", Value: r.Drain},
		flags.Duration{Flag: "settle", Value: r.Settle}, flags.Duration{Flag: "drop-after", Value: r.DropAfter},
	))
}

// Run rotates all selected bindings together.
func (o *Options) Run(ctx context.Context) error {
	report := printers.NewReport(o.streams, printers.ResultSuffix(o.rotate.DryRun))
	report.Objects = o.names.IsSet()
	connection := client.ForMany(o.connection, flags.RequestConcurrency)
	clients, err := client.New(connection)
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	admin, err := o.server.Administrator(ctx, clients, o.streams.In, o.rotate.Postgres.Namespace)
	if err != nil {
		return err
	}
	var bindings []*inventory.Binding
	if o.selection.Many() {
		var listed []inventory.Entry
		if listed, err = o.selection.Read(ctx, connection, report); err == nil {
			bindings, err = o.selected(ctx, clients, listed)
		}
	} else {
		bindings, err = o.named(ctx, clients)
	}
	if err != nil {
		return err
	}
	if len(bindings) == 0 {
		report.Step("nothing to rotate")
	}
	rotator := factory.NewRotator(clients, report, func(*server.Endpoint) client.Administrator { return admin })
	rotated, err := rotator.Rotate(ctx, bindings, o.rotate)
	names := make([]string, len(rotated))
	for i, b := range rotated {
		names[i] = b.SecretName
	}
	return utilerrors.NewAggregate([]error{err, o.names.Print(o.streams.Out, names)})
}

// named returns the bindings in the arguments, and those of the workloads in the arguments, each once.
func (o *Options) named(ctx context.Context, c *client.Clients) (bindings []*inventory.Binding, err error) {
	names, workloads := inventory.Split(o.workloads)
	for _, name := range names {
		b, err := inventory.Read(ctx, c.Kube, o.namespace, name)
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, b)
	}
	if len(workloads) > 0 {
		found, err := o.ofWorkloads(ctx, c, workloads)
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, found...)
	}
	seen := sets.New[string]()
	return slices.DeleteFunc(bindings, func(b *inventory.Binding) bool {
		again := seen.Has(b.SecretName)
		seen.Insert(b.SecretName)
		return again
	}), nil
}

// ofWorkloads returns the bindings of workloads.
func (o *Options) ofWorkloads(ctx context.Context, c *client.Clients, args []string) ([]*inventory.Binding, error) {
	workloads, err := c.Workloads.Get(ctx, o.namespace, args)
	if err != nil {
		return nil, err
	}
	secrets, err := inventory.List(ctx, c.Kube, o.namespace)
	if err != nil {
		return nil, err
	}
	var bindings []*inventory.Binding
	for _, w := range workloads {
		found, err := secrets.FindAll(ctx, inventory.Subject{Namespace: o.namespace, Name: w.String(), Workload: w}, o.selection.Filter)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf(
				"%s in namespace %s has no binding: create one with: kubectl pgbind %s -n %s", w, o.namespace, w,
				o.namespace,
			)
		}
		bindings = append(bindings, found...)
	}
	return bindings, nil
}

// selected reads those of the listed bindings that are old enough.
func (o *Options) selected(ctx context.Context, c *client.Clients, listed []inventory.Entry) ([]*inventory.Binding, error) {
	listed = slices.DeleteFunc(listed, func(b inventory.Entry) bool {
		return b.Secret != inventory.Present || time.Since(b.Created) < o.olderThan || time.Since(b.Marks.RotatedAt()) < o.olderThan
	})
	bindings := make([]*inventory.Binding, len(listed))
	var group errgroup.Group
	for i, b := range listed {
		group.Go(func() (err error) {
			bindings[i], err = inventory.Read(ctx, c.Kube, b.Namespace, b.SecretName)
			if apierrors.IsNotFound(err) {
				return nil // unbound since it was listed
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(bindings, func(b *inventory.Binding) bool { return b == nil }), nil
}
