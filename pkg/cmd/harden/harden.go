// Package harden is the command "kubectl pgbind harden".
package harden

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/harden"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Options select a server and its databases.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	server   flags.Server
	session  flags.Session
	database string // empty: all
	yes      bool
	dryRun   cmdutil.DryRunStrategy

	namespace string
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:   "harden",
		Short: "Revoke what every role has in the databases of a server",
		Long: templates.LongDesc(`
			Revoke what every role has in the databases of a server, because PUBLIC has it.

			It revokes CONNECT and TEMPORARY on databases, and CREATE on schemas. Bindings keep their access: their roles have grants of their own.
			Other roles can lose access. harden lists the statements and the roles that rely on each, and asks for confirmation; without a
			terminal, use --yes. Superusers are not listed: they need no grants.

			It revokes only what the list contains, and skips what the administrator cannot revoke. Running it again changes nothing. If a role lost
			access that it needs, grant it to that role. docs/how-to/harden.md describes that.`),
		Example: templates.Examples(`
			# Show what would be revoked, and who relies on it
			kubectl pgbind harden --postgres service/pg --dry-run=client

			# Revoke it in one database, without confirmation
			kubectl pgbind harden --postgres service/pg --dbname shop --yes`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.server.AddTo(cmd.Flags(), flags.ServerOfNamespace)
	o.session.AddTo(cmd.Flags())
	cmd.Flags().StringVar(&o.database, "dbname", "", "Database to harden (default: all databases that accept connections)")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask for confirmation")
	flags.AddDryRun(cmd, "With client or server, print what would be revoked, and change nothing.")
	return cmd, o
}

// Complete finds the namespace.
func (o *Options) Complete(cmd *cobra.Command, _ []string) (err error) {
	if o.dryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	o.server.Complete(cmd)
	o.namespace, err = flags.NamespaceOf(o.connection)
	return err
}

// Validate rejects invalid values.
func (o *Options) Validate() error { return o.server.Validate() }

// Run lists what PUBLIC has, and revokes it after a confirmation.
func (o *Options) Run(ctx context.Context) error {
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	o.session.Apply(clients)
	request := defaults.Request{Namespace: o.namespace, Spec: o.server.Spec}
	if o.server.Spec, err = factory.NewResolver(clients, o.streams).Server(ctx, request); err != nil {
		return err
	}
	ref, err := o.server.Ref(o.namespace)
	if err != nil {
		return err
	}
	admin, err := o.server.Administrator(ctx, clients, o.streams.In, ref.Namespace)
	if err != nil {
		return err
	}
	candidates, err := server.NewFinder(clients.Kube).Candidates(ctx, ref, o.server.Choice())
	if err != nil {
		return err
	}
	report := printers.NewReport(o.streams, printers.ResultSuffix(o.dryRun))
	h := &harden.Hardener{Report: report, Server: func(e *server.Endpoint) harden.Server {
		return clients.Server(e, admin, "")
	}}
	plan, err := h.Plan(ctx, candidates, o.database)
	if err != nil {
		return fmt.Errorf("%s in namespace %s: %w", ref, ref.Namespace, err)
	}
	if err := o.revoke(ctx, h, plan, ref); err != nil {
		return fmt.Errorf("%s in namespace %s: %w", ref, ref.Namespace, err)
	}
	return nil
}

// revoke prints the plan and executes it. Of a dry run, the plan is the result.
func (o *Options) revoke(ctx context.Context, h *harden.Hardener, plan *harden.Plan, ref server.Ref) error {
	report := h.Report
	for _, g := range plan.Kept {
		report.Warn("role %s cannot revoke %s from PUBLIC: run harden with the owner as --admin-user", o.server.AdminUser(), g.What)
	}
	if len(plan.Grants) == 0 {
		report.Done(ref.String(), "unchanged")
		return nil
	}
	proposal := printers.Proposal{
		Verb:     "harden",
		Question: fmt.Sprintf("Revoke these %d from PUBLIC on %s in namespace %s?", len(plan.Grants), ref, ref.Namespace),
		Table:    printers.PublicGrants(plan.Grants).Table(time.Now()),
		DryRun:   o.dryRun != cmdutil.DryRunNone,
		Yes:      o.yes,
	}
	if agreed, err := proposal.Confirm(ctx, o.streams); !agreed {
		return err
	}
	if err := h.Revoke(ctx, plan); err != nil {
		return err
	}
	report.Done(ref.String(), "hardened")
	return nil
}
