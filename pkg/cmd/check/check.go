// Package check is the command "kubectl pgbind check".
package check

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options select bindings to check and how the findings are printed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope  flags.Scope
	server flags.Server
	prove  bool
	output *flags.Output

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
	cmd := &cobra.Command{
		Use:        "check [TYPE/NAME...]",
		SuggestFor: []string{"status", "verify", "doctor"},
		Short:      "Check that bindings still work",
		Long: templates.LongDesc(`
			Check that the bindings of a namespace, or of some workloads, still work.

			For each binding, it logs in with the Secret's password over the network, compares the role, the Secret and the workload, verifies
			the privileges, and looks for Pods that started before the Secret changed. It also finds orphaned roles and Secrets. It changes
			nothing, and it tries to log in without a password only with --prove.

			It prints one line for each finding, the worst first, with a command that fixes it. It reports what it cannot read as Unknown. The
			exit code is 0 if all findings are OK, 1 if any is not, and 2 after an error.`),
		Example: templates.Examples(`
			# Check all bindings of the current namespace
			kubectl pgbind check

			# Check the bindings of one workload
			kubectl pgbind check deployment/web

			# Print the findings as JSON
			kubectl pgbind check -A -o json`),
		RunE: command.RunE(o),
	}
	o.scope.AddTo(cmd)
	o.server.AddTo(cmd.Flags())
	cmd.Flags().BoolVar(&o.prove, "prove", false, "Also try to log in without a password if the server does not report how it authenticates")
	o.output.AddTo(cmd)
	return cmd, o
}

// Complete finds the namespace.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	o.workloads = args
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
		if err := workload.CheckArgs(o.workloads); err != nil {
			return err
		}
	}
	return errors.Join(o.scope.Validate(), o.server.Validate(), o.output.Validate())
}

// Run prints the findings. Every error has the exit code of an error, so that a script can distinguish it from a finding.
func (o *Options) Run(ctx context.Context) error { return command.WithCode(command.Usage, o.run(ctx)) }

func (o *Options) run(ctx context.Context) error {
	c := &factory.Check{
		Connection: o.connection, Scope: &o.scope, Server: &o.server, Namespace: o.namespace, Workloads: o.workloads, Prove: o.prove,
	}
	done, err := c.Run(ctx, printers.NewReport(o.streams, ""))
	switch {
	case err != nil:
		return err
	case len(done.Findings) == 0 && o.output.IsTable():
		printers.NothingFound(o.streams.ErrOut, o.namespace)
		return nil
	}
	if err := o.output.Print(o.streams.Out, printers.Findings(done.Findings), o.scope.All); err != nil {
		return err
	}
	if !done.Findings.Healthy() {
		return &command.Error{Code: command.Failed}
	}
	return nil
}
