package cmd

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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

const defaultGrace = 10 * time.Second

// unbindFlags are the flags of unbind as the user typed them.
type unbindFlags struct {
	database databaseFlags
	options  unbind.Options
	manager  string
}

func newUnbindCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &unbindFlags{}
	cmd := &cobra.Command{
		Use:   "unbind TYPE/NAME...",
		Short: "Remove a workload's PostgreSQL user, keeping its data",
		Long: templates.LongDesc(`
			Remove a workload's PostgreSQL user and keep its data.

			It removes the reference to the Secret from the workload, waits until no Pod uses it, disables the user, terminates its sessions,
			reassigns what the user owns in any database to the access role of its binding, drops the user, and deletes the Secret. Tables
			that the workload created stay, and the next binding can use them. If data would be lost, it stops before it changes anything. Run
			the command again to complete an interrupted run. If nothing is bound, it changes nothing.`),
		Example: templates.Examples(`
			# Remove what "kubectl pgbind deployment/web" created, even if the Deployment was deleted
			kubectl pgbind unbind deployment/web

			# Print what would be removed
			kubectl pgbind unbind deployment/web --dry-run=client`),
		RunE: func(cmd *cobra.Command, args []string) error {
			namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
			if err != nil {
				return fmt.Errorf("find the namespace: %w", err)
			}
			if err := flags.complete(cmd, namespace); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			clients, err := newClients(connection, flags.manager)
			if err != nil {
				return err
			}
			return flags.run(cmd.Context(), clients, newReport(streams, resultSuffix(flags.options.DryRun)), subjects{namespace, args})
		},
	}
	flags.addTo(cmd)
	return cmd
}

func (f *unbindFlags) addTo(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.options
	f.database.addServer(flags)
	f.database.addAdminPassword(flags)
	flags.StringVar(&o.Database, "dbname", "", "Database of the binding, if the workload has several bindings")
	flags.StringVar(&o.Secret, "secret", "", "Secret of the binding, if the workload has several bindings")
	flags.DurationVar(&o.Grace, "grace", defaultGrace, "Time for open sessions to end before they are terminated")
	flags.DurationVar(&o.Timeout, "timeout", defaultTimeout, "Time to wait for the Pods that still use the Secret")
	flags.BoolVar(&o.Force, "force", false, "Proceed even if other workloads use the Secret and lose their login")
	flags.BoolVar(&o.Restart, "restart", false, "Delete the Pods one by one if the workload does not replace them itself")
	flags.BoolVar(&o.Recreate, "recreate", false, "Replace a bare Pod with a copy that does not use the Secret")
	flags.BoolVar(&o.Keep, "keep-role", false, "Keep the user but disable its login; the next bind enables it again")
	flags.BoolVar(&o.Purge, "purge", false, "Also drop the access role if it has no other members and owns nothing")
	flags.BoolVar(&o.Abandon, "abandon-role", false,
		"Do not drop the user, because its database no longer exists; print the SQL that would drop it")
	cmdutil.AddFieldManagerFlagVar(cmd, &f.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

// complete turns the flags into options. Its errors are usage errors.
func (f *unbindFlags) complete(cmd *cobra.Command, namespace string) error {
	if f.options.Abandon && (f.options.Keep || f.options.Purge) || f.options.Keep && f.options.Purge {
		return errors.New("specify only one of --abandon-role, --keep-role and --purge")
	}
	strategy, err := cmdutil.GetDryRunStrategy(cmd)
	if err != nil {
		return err
	}
	f.options.DryRun = strategy
	f.options.Choice = f.database.choice()
	f.options.Postgres, f.options.Named, err = f.database.named(cmd, namespace)
	return err
}

// subjects are the workloads on the command line.
type subjects struct {
	namespace string
	args      []string
}

// run continues after an error, as kubectl does, and returns all errors.
func (f *unbindFlags) run(ctx context.Context, c *clients, report *report, s subjects) error {
	found, err := c.workloads.Lookup(ctx, s.namespace, s.args)
	if err != nil {
		return err
	}
	admin, err := f.database.administrator(ctx, c, report.streams.In, f.options.Postgres.Namespace)
	if err != nil {
		return err
	}
	unbinder := &unbind.Unbinder{
		Workloads: c.workloads, Databases: target.NewFinder(c.kube), Kube: c.kube, Report: report,
		Roles: func(d *target.Database, database string) unbind.Roles {
			return c.server(d, admin, database)
		},
	}
	var errs []error
	for _, w := range found {
		errs = append(errs, unbinder.Unbind(ctx, unbind.Subject{Namespace: s.namespace, Name: w.Name, Workload: w.Workload}, f.options))
	}
	return utilerrors.NewAggregate(errs)
}
