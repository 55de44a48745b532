package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/prune"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

func newPruneCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &pruneFlags{check: checkFlags{connection: connection}, streams: streams}
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove expired bindings and what nothing belongs to any more",
		Long: templates.LongDesc(`
			Remove expired bindings, Secrets whose workload is gone, and roles that have neither.

			It removes what check calls Expired, OrphanedSecret or OrphanedRole, as unbind does, so that no table is lost. What check calls
			Unknown stays. What is to go is listed first; then it asks, or, where there is no terminal, wants --yes.`),
		Example: templates.Examples(`
			# Show what would be removed from the current namespace
			kubectl pgbind prune --dry-run=client

			# Remove it from all namespaces without asking
			kubectl pgbind prune -A --yes`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			strategy, err := cmdutil.GetDryRunStrategy(cmd)
			if err != nil {
				return err
			}
			flags.options.DryRun = strategy
			if err := flags.check.complete(cmd); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			return flags.run(cmd.Context(), newReport(streams, resultSuffix(flags.options.DryRun)))
		},
	}
	flags.addTo(cmd)
	return cmd
}

// pruneFlags say what is pruned, and how.
type pruneFlags struct {
	check   checkFlags
	streams genericiooptions.IOStreams
	options unbind.Options
	yes     bool
}

func (f *pruneFlags) addTo(cmd *cobra.Command) {
	f.check.scope.addTo(cmd)
	f.check.database.addServer(cmd.Flags())
	f.check.database.addAdminPassword(cmd.Flags())
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "Do not ask")
	cmd.Flags().DurationVar(&f.options.Grace, "grace", defaultGrace, "How long open sessions get before they are ended")
	cmd.Flags().DurationVar(&f.options.Timeout, "timeout", defaultTimeout, "How long to wait for the Pods that still have an expired Secret")
	cmdutil.AddFieldManagerFlagVar(cmd, &f.check.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

func (f *pruneFlags) run(ctx context.Context, r *report) error {
	done, err := f.check.check(ctx, r, nil)
	if err != nil {
		return err
	}
	if unknown := done.findings.Only(check.Unknown); len(unknown) > 0 {
		r.Warn("what is unknown stays as it is, which kubectl pgbind check lists (%d in all): %s", len(unknown), unknown[0].Message)
	}
	doomed := prune.Prunable(done.findings)
	if len(doomed) == 0 {
		r.Step("nothing to prune")
		return nil
	}
	if err := f.list(doomed); err != nil || f.options.DryRun != cmdutil.DryRunNone {
		return err
	}
	if !f.yes {
		if err := confirm(ctx, f.streams, len(doomed)); err != nil {
			return err
		}
	}
	return f.pruner(done, r).Prune(ctx, doomed)
}

// list shows what is to go. Of a dry run that is the result.
func (f *pruneFlags) list(doomed check.Findings) error {
	out := f.streams.ErrOut
	if f.options.DryRun != cmdutil.DryRunNone {
		out = f.streams.Out
	}
	return printTable(out, doomed.Table(time.Now()), printers.PrintOptions{WithNamespace: f.check.scope.all})
}

func (f *pruneFlags) pruner(done *checked, r *report) *prune.Pruner {
	c := done.clients
	f.options.Choice = target.Choice{Container: f.check.database.container}
	finder := target.NewFinder(c.kube)
	return &prune.Pruner{
		Workloads: c.workloads, Databases: finder, Report: r, Options: f.options,
		Unbinder: &unbind.Unbinder{
			Workloads: c.workloads, Databases: finder, Kube: c.kube, Report: r,
			Roles: func(d *target.Database, database string) unbind.Roles {
				return c.server(d, done.admins.of(d), database)
			},
		},
		Roles: func(d *target.Database) retire.Roles { return c.server(d, done.admins.of(d), "postgres") },
	}
}
