package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

const defaultSettle = 2 * time.Minute

// rotateFlags are the flags of rotate as the user typed them.
type rotateFlags struct {
	database  databaseFlags
	scope     scopeFlags
	filter    lookup.Filter
	all       bool
	olderThan time.Duration
	options   rotate.Options
}

func newRotateCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &rotateFlags{}
	cmd := &cobra.Command{
		Use:   "rotate TYPE/NAME... | --all | -l SELECTOR",
		Short: "Replace PostgreSQL users without downtime",
		Long: templates.LongDesc(`
			Replace the PostgreSQL users of workloads without downtime.

			It creates a second user with the privileges of the first one, verifies its login, writes it to the same Secret, replaces the Pods
			of every workload that uses the Secret, waits until the first user has no sessions, and drops it. If a step fails before the first
			user is disabled, everything is rolled back. An interrupted run is completed by the next one. If a workload reads the Secret's
			files, it is unknown when it does so, and the first user stays until the next rotation.`),
		Example: templates.Examples(`
			# Replace the user of the Deployment
			kubectl pgbind rotate deployment/web

			# Replace every user of the namespace that is older than 30 days
			kubectl pgbind rotate --all --older-than 720h`),
		RunE: func(cmd *cobra.Command, args []string) error {
			namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
			if err != nil {
				return fmt.Errorf("find the namespace: %w", err)
			}
			if err := flags.complete(cmd, subjects{namespace, args}); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			run := &rotateRun{rotateFlags: flags, connection: connection, report: newReport(streams, resultSuffix(flags.options.DryRun))}
			return run.rotate(cmd.Context(), subjects{namespace, args})
		},
	}
	flags.addTo(cmd)
	return cmd
}

func (f *rotateFlags) addTo(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	f.database.addServer(flags)
	f.database.addAdminPassword(flags)
	f.scope.addTo(cmd)
	flags.BoolVar(&f.all, "all", false, "All bindings of the namespace")
	flags.DurationVar(&f.olderThan, "older-than", 0, "Only users that are older than this; needs --all or a selector")
	flags.StringVar(&f.filter.Database, "dbname", "", "Database of the binding, if the workload has several bindings")
	flags.StringVar(&f.filter.Secret, "secret", "", "Secret of the binding, if the workload has several bindings")
	flags.DurationVar(&o.Timeout, "timeout", defaultTimeout, "Time to wait for the new Pods and for the end of the old ones")
	flags.DurationVar(&o.Grace, "grace", defaultGrace, "Time for idle sessions of the old user to end before they are terminated")
	flags.DurationVar(&o.Drain, "drain-timeout", time.Minute, "Time for busy sessions of the old user to end after that")
	flags.DurationVar(&o.Settle, "settle", defaultSettle, "Time for Pods to read changed files of the Secret")
	flags.DurationVar(&o.DropAfter, "drop-after", 0, "Drop the old user after this time if Pods read the Secret's files "+
		"(default: the next rotation drops it)")
	flags.BoolVar(&o.InPlace, "in-place", false, "Keep the user and change only its password; Pods that use the old password need a restart")
	flags.BoolVar(&o.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	flags.BoolVar(&o.Force, "force", false, "Proceed even if the old user has privileges of its own, which are lost")
	cmdutil.AddFieldManagerFlagVar(cmd, &o.FieldManager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

// complete turns the flags into options. Its errors are usage errors.
func (f *rotateFlags) complete(cmd *cobra.Command, s subjects) error {
	many := f.all || f.scope.all || f.scope.selector != ""
	switch {
	case many && len(s.args) > 0:
		return errors.New("specify workloads, or --all, --all-namespaces or --selector, but not both")
	case !many && len(s.args) == 0:
		return errors.New("workload required: name it as TYPE/NAME, or use --all")
	case !many && f.scope.shard.text != "":
		return errors.New("--shard needs --all, --all-namespaces or --selector")
	case !many && f.olderThan > 0:
		return errors.New("--older-than needs --all, --all-namespaces or --selector")
	}
	strategy, err := cmdutil.GetDryRunStrategy(cmd)
	if err != nil {
		return err
	}
	f.options.DryRun = strategy
	f.options.Choice = f.database.choice()
	f.options.Postgres, f.options.Named, err = f.database.named(cmd, s.namespace)
	return err
}

// rotateRun is one run of the command.
type rotateRun struct {
	*rotateFlags
	connection *genericclioptions.ConfigFlags
	report     *report
}

// rotate continues after an error, as kubectl does, and returns all errors.
func (r *rotateRun) rotate(ctx context.Context, s subjects) error {
	clients, err := newClients(r.connection, r.options.FieldManager)
	if err != nil {
		return err
	}
	admin, err := r.database.administrator(ctx, clients, r.report.streams.In, r.options.Postgres.Namespace)
	if err != nil {
		return err
	}
	rotator := &rotate.Rotator{
		Workloads: clients.workloads, Databases: target.NewFinder(clients.kube), Kube: clients.kube, Report: r.report,
		Roles: func(d *target.Database, database string) rotate.Roles {
			return clients.server(d, admin, database)
		},
	}
	find := func() ([]*lookup.Binding, error) { return r.named(ctx, clients, s) }
	if len(s.args) == 0 {
		find = func() ([]*lookup.Binding, error) { return r.chosen(ctx, clients) }
	}
	bindings, err := find()
	if err != nil {
		return err
	}
	var errs []error
	for _, binding := range bindings {
		errs = append(errs, rotator.Rotate(ctx, binding, r.options))
	}
	return utilerrors.NewAggregate(errs)
}

// named returns the bindings of the workloads on the command line.
func (r *rotateRun) named(ctx context.Context, c *clients, s subjects) ([]*lookup.Binding, error) {
	workloads, err := c.workloads.Get(ctx, s.namespace, s.args)
	if err != nil {
		return nil, err
	}
	var bindings []*lookup.Binding
	for _, w := range workloads {
		binding, err := lookup.Find(ctx, c.kube, lookup.Subject{Namespace: s.namespace, Name: w.String(), Workload: w}, r.filter)
		if err != nil {
			return nil, err
		}
		if binding == nil {
			return nil, fmt.Errorf("%s in namespace %s has no binding: create one with: kubectl pgbind %s -n %s", w, s.namespace, w, s.namespace)
		}
		bindings = append(bindings, binding)
	}
	return bindings, nil
}

// chosen returns the bindings that the flags select.
func (r *rotateRun) chosen(ctx context.Context, c *clients) ([]*lookup.Binding, error) {
	found, _, err := r.scope.read(ctx, r.connection, r.report)
	if err != nil {
		return nil, err
	}
	ours, err := r.scope.shard.pick(found.Bindings)
	if err != nil {
		return nil, err
	}
	var bindings []*lookup.Binding
	for i := range ours {
		b := &ours[i]
		if b.Secret != inventory.Present || time.Since(b.Created) < r.olderThan || time.Since(b.Marks.Rotated) < r.olderThan {
			continue
		}
		binding, err := lookup.Read(ctx, c.kube, b.Namespace, b.SecretName)
		if apierrors.IsNotFound(err) {
			continue // unbound since it was listed
		}
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, binding)
	}
	if len(bindings) == 0 {
		r.report.Step("nothing to rotate")
	}
	return bindings, nil
}
