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

// unbindFlags are the flags of an unbind as they are typed.
type unbindFlags struct {
	database databaseFlags
	options  unbind.Options
	manager  string
}

func newUnbindCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &unbindFlags{}
	cmd := &cobra.Command{
		Use:   "unbind TYPE/NAME...",
		Short: "Take a workload's PostgreSQL user back, without losing data",
		Long: templates.LongDesc(`
			Take a workload's PostgreSQL user back.

			It removes the reference to the Secret from the workload, waits until no Pod has it any more, locks the user out, ends its
			sessions, hands what it owns in any database to the access role of its binding, drops it, and deletes the Secret. Tables that
			the workload made stay, and the next binding can use them. What would lose data is refused before anything is changed. A run
			that was interrupted goes on when the command is given again; where nothing is bound, nothing happens.`),
		Example: templates.Examples(`
			# Take back what "kubectl pgbind deployment/web" made, also after the Deployment was deleted
			kubectl pgbind unbind deployment/web

			# See what would happen
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
	flags.StringVar(&o.Database, "dbname", "", "Database of the binding, where the workload has several")
	flags.StringVar(&o.Secret, "secret", "", "Secret of the binding, where the workload has several")
	flags.DurationVar(&o.Grace, "grace", defaultGrace, "How long open sessions get before they are ended")
	flags.DurationVar(&o.Timeout, "timeout", defaultTimeout, "How long to wait for the Pods that still have the Secret")
	flags.BoolVar(&o.Force, "force", false, "Also where other workloads use the Secret, which lose their login")
	flags.BoolVar(&o.Restart, "restart", false, "Replace the Pods of a workload that does not do it by itself, one by one")
	flags.BoolVar(&o.Recreate, "recreate", false, "Replace a bare Pod by an equal one without the Secret")
	flags.BoolVar(&o.Keep, "keep-role", false, "Take only the login from the user; binding again takes it back")
	flags.BoolVar(&o.Purge, "purge", false, "Also remove the access role and its grants, if it has no other members and owns nothing")
	flags.BoolVar(&o.Abandon, "abandon-role", false, "Leave the user where it is, since its database is gone, and print the SQL that would remove it")
	cmdutil.AddFieldManagerFlagVar(cmd, &f.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

// complete turns what was typed into what an unbind needs; its errors are errors of usage.
func (f *unbindFlags) complete(cmd *cobra.Command, namespace string) error {
	if f.options.Abandon && (f.options.Keep || f.options.Purge) || f.options.Keep && f.options.Purge {
		return errors.New("--abandon-role, --keep-role and --purge exclude each other")
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

// subjects are the workloads that a command line names.
type subjects struct {
	namespace string
	args      []string
}

// run goes on after an error, as kubectl does, and returns all errors.
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
