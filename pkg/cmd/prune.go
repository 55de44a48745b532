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
		Short: "Remove expired bindings and orphaned Secrets and roles",
		Long: templates.LongDesc(`
			Remove expired bindings, Secrets whose workload does not exist, and roles without Secret and workload.

			It removes what check reports as Expired, OrphanedSecret or OrphanedRole, in the same way as unbind, so that no table is lost. It
			keeps what check reports as Unknown. It lists what it will remove and asks for confirmation; without a terminal, use --yes.`),
		Example: templates.Examples(`
			# Show what would be removed from the current namespace
			kubectl pgbind prune --dry-run=client

			# Remove it from all namespaces without confirmation
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

// pruneFlags select what is pruned.
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
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "Do not ask for confirmation")
	cmd.Flags().DurationVar(&f.options.Grace, "grace", defaultGrace, "Time for open sessions to end before they are terminated")
	cmd.Flags().DurationVar(&f.options.Timeout, "timeout", defaultTimeout, "Time to wait for the Pods that still use an expired Secret")
	cmdutil.AddFieldManagerFlagVar(cmd, &f.check.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

func (f *pruneFlags) run(ctx context.Context, r *report) error {
	done, err := f.check.check(ctx, r, nil)
	if err != nil {
		return err
	}
	if unknown := done.findings.Only(check.Unknown); len(unknown) > 0 {
		r.Warn("skipping %d unknown findings (see kubectl pgbind check), the first of which is: %s", len(unknown), unknown[0].Message)
	}
	prunable := prune.Prunable(done.findings)
	if len(prunable) == 0 {
		r.Step("nothing to prune")
		return nil
	}
	if err := f.list(prunable); err != nil || f.options.DryRun != cmdutil.DryRunNone {
		return err
	}
	if !f.yes {
		if err := confirm(ctx, f.streams, len(prunable)); err != nil {
			return err
		}
	}
	return f.pruner(done, r).Prune(ctx, prunable)
}

// list prints what will be removed. For a dry run this is the result.
func (f *pruneFlags) list(prunable check.Findings) error {
	out := f.streams.ErrOut
	if f.options.DryRun != cmdutil.DryRunNone {
		out = f.streams.Out
	}
	return printTable(out, prunable.Table(time.Now()), printers.PrintOptions{WithNamespace: f.check.scope.all})
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
