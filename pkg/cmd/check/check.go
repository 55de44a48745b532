// Package check is the command "kubectl pgbind check".
package check

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// Options select bindings to check and how the findings are printed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope   flags.Scope
	server  flags.Server
	session flags.Session
	prove   bool
	output  *flags.Output

	fit     bool
	fix     bool
	yes     bool
	grace   time.Duration
	timeout time.Duration
	manager string
	dryRun  cmdutil.DryRunStrategy
	fixed   bool // fixes ran

	namespace string // empty: all namespaces
	workloads []string
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams, output: flags.NewOutput()}
	o.output.JUnit = true
	cmd := &cobra.Command{
		Use:        "check [TYPE/NAME... | binding/NAME...]",
		SuggestFor: []string{"status", "verify", "doctor"},
		Short:      "Check that bindings still work",
		Long: templates.LongDesc(`
			Check that the bindings of a namespace, or of some workloads, still work.

			For each binding, it logs in with the Secret's password over the network, compares the role, the Secret and the workload, verifies
			the privileges, and looks for Pods that started before the Secret changed. It also finds orphaned roles and Secrets. Without
			--fix and --fit, it changes nothing. It tries to log in without a password only with --prove.

			It prints one line for each finding, the worst first, with a command that fixes it, and at the end a summary on standard error. It
			reports what it cannot read as Unknown. docs/findings.md explains the findings. -o name prints the bindings that need a fix. The exit
			code is 0 if all findings are OK, 1 if any is not, and 2 after an error.

			With --fix, it prints which of the fixes it runs, asks for confirmation, runs them together, and checks the same bindings again. Without
			a terminal, use --yes. It restarts Pods only where a finding says so. It creates a missing role with the password of its Secret, so
			that no Pod restarts. It does not run SQL of the fixes, and it leaves decisions to you, such as an empty database in place of one that
			is gone. The exit code is 0 if everything is fixed, 1 if something is left, and 2 after an error. With -o, the findings of the last
			check go to standard output, and all else to standard error. A bind grants what the Secret asks for, and everyone who can write Secrets
			can change that: read the column ACCESS of the plan, with --dry-run=client before you use --yes. Missing roles are created on servers
			in the namespace of the workload, and in that of --postgres-namespace.

			With --fit, it reports which access level would be enough. It reads the statements that the extension pg_stat_statements counted for
			the application, and has the server plan them, without executing them, as a temporary role of each narrower level, which it drops
			again. It cannot see statements that the server forgot or that ran before it began to count, and what the code of a function does.
			With level all, the statements are those of all applications that share the level. The exit code is 0, or 2 after an error.`),
		Example: templates.Examples(`
			# Check all bindings of the current namespace
			kubectl pgbind check

			# Check the bindings of one workload
			kubectl pgbind check deployment/web

			# Print which access level would be enough for each application
			kubectl pgbind check --fit

			# Print the findings as JSON
			kubectl pgbind check -A -o json

			# Write a report for a pipeline
			kubectl pgbind check -o junit > check.xml

			# Print which fixes would run, such as after the database was restored from a backup
			kubectl pgbind check --fix --dry-run=client

			# Run them without confirmation
			kubectl pgbind check --fix --yes`),
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

// addTo adds the flags.
func (o *Options) addTo(cmd *cobra.Command) {
	o.scope.AddTo(cmd)
	o.server.AddTo(cmd.Flags(), flags.ServersOfCheck)
	o.session.AddTo(cmd.Flags())
	cmd.Flags().BoolVar(
		&o.prove, "prove", false,
		"Also try to log in without a password if the server does not report how it authenticates",
	)
	cmd.Flags().BoolVar(
		&o.fit, "fit", false,
		"Print which access level would be enough for the statements that the server counted, instead of findings",
	)
	cmd.Flags().BoolVar(&o.fix, "fix", false, "Run the fixes, and check again")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask for confirmation before --fix changes something")
	cmd.Flags().DurationVar(&o.grace, "grace", flags.DefaultGrace, "Time for open sessions to end before --fix terminates them")
	cmd.Flags().DurationVar(&o.timeout, "timeout", flags.DefaultTimeout, "Time for --fix to wait for Pods")
	flags.AddFieldManager(cmd, &o.manager)
	flags.AddDryRun(cmd, `Unless it is "none", --fix only prints its plan.`)
	o.output.AddTo(cmd)
}

// Complete finds the namespace.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	o.workloads = args
	if o.dryRun, err = flags.DryRun(cmd); err != nil {
		return err
	}
	o.server.Complete(cmd)
	o.namespace, err = o.scope.Namespace(o.connection)
	return err
}

// Validate rejects invalid values and contradictions.
func (o *Options) Validate() error {
	if len(o.workloads) > 0 {
		if o.scope.All || o.scope.Selector != "" || o.scope.Shard.IsSet() {
			return errors.New("specify workloads, or --all-namespaces, --selector or --shard, but not both")
		}
		if err := inventory.CheckArgs(o.workloads); err != nil {
			return err
		}
	}
	return errors.Join(o.scope.Validate(), o.server.Validate(), o.output.Validate(), o.checkFix(), o.checkFit())
}

// Run prints the findings. Every error has the exit code of an error, so that a script can distinguish it from a finding.
func (o *Options) Run(ctx context.Context) error { return command.WithCode(command.Usage, o.run(ctx)) }

func (o *Options) run(ctx context.Context) error {
	report := printers.NewReport(o.results(), "")
	c := &factory.Check{
		Connection: o.connection,
		Scope:      &o.scope,
		Server:     &o.server,
		Session:    &o.session,
		Namespace:  o.namespace,
		Workloads:  o.workloads,
		Prove:      o.prove,
	}
	if o.fit {
		return o.printFits(ctx, c, report)
	}
	done, err := c.Run(ctx, report)
	switch {
	case err != nil:
		return err
	case o.fix:
		return o.fixAll(ctx, done, report)
	}
	return o.print(done.Findings, report)
}

// print prints all findings.
func (o *Options) print(found check.Findings, report *printers.Report) error {
	if len(found) == 0 && o.output.IsTable() {
		printers.NothingFound(o.streams.ErrOut, o.namespace)
		return nil
	}
	if err := o.printList(found); err != nil {
		return err
	}
	if o.output.IsTable() {
		report.Step("%s", printers.Findings(found).Summary())
	}
	if !found.Healthy() {
		return &command.Error{Code: command.Failed}
	}
	return nil
}

// printList prints findings, or with -o name the bindings with a fault, which other commands accept as arguments.
func (o *Options) printList(found check.Findings) error {
	if !o.output.IsName() {
		return o.output.Print(o.streams.Out, printers.Findings(found), o.scope.All)
	}
	printer, err := o.output.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(printers.Findings(found).Bindings(), o.streams.Out)
}
