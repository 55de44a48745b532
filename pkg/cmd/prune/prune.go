// Package prune is the command "kubectl pgbind prune".
package prune

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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/prune"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// Options select what is pruned.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope   flags.Scope
	server  flags.Server
	session flags.Session
	yes     bool
	unbind  unbind.Options
	names   flags.Names

	namespace string // empty: all namespaces
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
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
		RunE: command.RunE(o),
	}
	o.scope.AddTo(cmd)
	o.server.AddTo(cmd.Flags(), flags.ServersOfCheck)
	o.session.AddTo(cmd.Flags())
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask for confirmation")
	cmd.Flags().DurationVar(&o.unbind.Grace, "grace", flags.DefaultGrace, "Time for open sessions to end before they are terminated")
	cmd.Flags().DurationVar(
		&o.unbind.Timeout, "timeout", flags.DefaultTimeout,
		"Time to wait for the Pods that still use an expired Secret",
	)
	flags.AddFieldManager(cmd, &o.unbind.FieldManager)
	flags.AddDryRun(cmd, flags.DryRunLists)
	o.names.AddTo(cmd)
	return cmd, o
}

// Complete finds the namespace.
func (o *Options) Complete(cmd *cobra.Command, _ []string) (err error) {
	if o.unbind.DryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	o.server.Complete(cmd)
	o.namespace, err = o.scope.Namespace(o.connection)
	return err
}

// Validate rejects invalid values.
func (o *Options) Validate() error {
	return errors.Join(
		o.scope.Validate(),
		o.server.Validate(),
		o.names.Validate(),
		flags.CheckDurations(
			flags.Duration{Flag: "grace", Value: o.unbind.Grace},
			flags.Duration{Flag: "timeout", Value: o.unbind.Timeout},
		),
	)
}

// Run lists what a check found expired or orphaned, and removes it.
func (o *Options) Run(ctx context.Context) error {
	report := printers.NewReport(o.streams, printers.ResultSuffix(o.unbind.DryRun))
	report.Objects = o.names.IsSet()
	c := &factory.Check{
		Connection: o.connection,
		Scope:      &o.scope,
		Server:     &o.server,
		Session:    &o.session,
		Namespace:  o.namespace,
	}
	done, err := c.Run(ctx, report)
	if err != nil {
		return err
	}
	if unknown := done.Findings.Only(check.Unknown); len(unknown) > 0 {
		report.Warn("skipping %d unknown findings (see kubectl pgbind check), the first of which is: %s", len(unknown), unknown[0].Message)
	}
	prunable := prune.Prunable(done.Findings)
	if len(prunable) == 0 {
		report.Step("nothing to prune")
		return nil
	}
	if agreed, err := o.confirm(ctx, prunable); !agreed {
		return err
	}
	removed, err := done.Pruner(report, o.unbind, o.server.Choice()).Prune(ctx, prunable)
	return utilerrors.NewAggregate([]error{err, o.names.Print(o.streams.Out, removed)})
}

// confirm lists what will be removed, and asks for confirmation.
func (o *Options) confirm(ctx context.Context, prunable check.Findings) (bool, error) {
	dryRun := o.unbind.DryRun != cmdutil.DryRunNone
	if dryRun && o.names.IsSet() {
		var names []string
		for _, f := range prunable.Only(check.Expired, check.OrphanedSecret) {
			names = append(names, f.Secret)
		}
		return false, o.names.Print(o.streams.Out, names)
	}
	proposal := printers.Proposal{
		Verb: "prune", Question: fmt.Sprintf("Remove these %d?", len(prunable)), Table: printers.Findings(prunable).Table(time.Now()),
		WithNamespace: o.scope.All, DryRun: dryRun, Yes: o.yes,
	}
	return proposal.Confirm(ctx, o.streams)
}
