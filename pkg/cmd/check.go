package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

func newCheckCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags, output := &checkFlags{connection: connection}, newOutputFlags()
	cmd := &cobra.Command{
		Use:   "check [TYPE/NAME...]",
		Short: "Check that bindings still work",
		Long: templates.LongDesc(`
			Check that the bindings of a namespace, or of some workloads, still work.

			For each binding, it logs in with the Secret's password over the network, compares the role, the Secret and the workload, verifies
			the privileges, and looks for Pods that started before the Secret changed. It also finds orphaned roles and Secrets. It changes
			nothing, and it tries to log in without a password only with --prove.

			It prints one line for each finding, the worst first, with a command that fixes it. The exit code is 0 if all findings are OK,
			or else 1. What cannot be read is reported as Unknown.`),
		Example: templates.Examples(`
			# Check all bindings of the current namespace
			kubectl pgbind check

			# Check the bindings of one workload
			kubectl pgbind check deployment/web

			# Print the findings as JSON
			kubectl pgbind check -A -o json`),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && (flags.scope.all || flags.scope.selector != "" || flags.scope.shard.text != "") {
				return fmt.Errorf("specify workloads, or --all-namespaces, --selector or --shard, but not both")
			}
			if err := flags.complete(cmd); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			done, err := flags.check(cmd.Context(), newReport(streams, ""), args)
			switch {
			case err != nil:
				return err
			case len(done.findings) == 0 && output.human():
				nothingFound(streams, flags.namespace)
				return nil
			}
			if err := output.print(streams, done.findings, flags.scope.all); err != nil {
				return err
			}
			if !done.findings.Healthy() {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	flags.addTo(cmd)
	output.addTo(cmd)
	return cmd
}

// checkFlags select what is checked.
type checkFlags struct {
	connection *genericclioptions.ConfigFlags
	scope      scopeFlags
	database   databaseFlags
	prove      bool
	manager    string // field manager of a prune
	required   bool   // the user named the server
	first      bool   // this shard also looks for orphans
	namespace  string // empty: all namespaces
}

func (f *checkFlags) addTo(cmd *cobra.Command) {
	f.scope.addTo(cmd)
	f.database.addServer(cmd.Flags())
	f.database.addAdminPassword(cmd.Flags())
	cmd.Flags().BoolVar(&f.prove, "prove", false, "Also try to log in without a password if the server does not report how it authenticates")
}

// complete rejects invalid combinations of flags.
func (f *checkFlags) complete(cmd *cobra.Command) error {
	f.required = cmd.Flags().Changed("postgres") || cmd.Flags().Changed("postgres-namespace")
	if f.database.adminPassword != "" && !f.required {
		return errUnnamed
	}
	part, err := f.scope.shard.shard()
	f.first = part.First()
	return err
}

// checked is the result of a check, with the clients that it used.
type checked struct {
	findings check.Findings
	clients  *clients
	admins   *administrators
}

// check checks the workloads in args, or all bindings of the scope.
func (f *checkFlags) check(ctx context.Context, r *report, args []string) (*checked, error) {
	found, namespace, err := f.scope.read(ctx, f.connection, r)
	if err != nil {
		return nil, err
	}
	f.namespace = namespace
	ref, err := f.server()
	if err != nil {
		return nil, err
	}
	c := &checked{}
	if c.clients, err = newClients(f.connection, f.manager); err != nil {
		return nil, err
	}
	if c.admins, err = f.database.administrators(ctx, c.clients, ref, r.streams.In); err != nil {
		return nil, err
	}
	scope := check.Scope{Bindings: found.Bindings, Namespace: namespace}
	if len(args) > 0 {
		scope.Bindings, err = bindingsOf(ctx, c.clients, found, workloadArgs{namespace, args})
	} else {
		scope.Bindings, err = f.scope.shard.pick(found.Bindings)
	}
	if err != nil {
		return nil, err
	}
	if len(args) == 0 && f.scope.selector == "" && f.first {
		scope.Orphans, scope.Server, scope.Required = found, ref, f.required
	}
	c.findings, err = f.checker(c).Check(ctx, scope)
	return c, err
}

func (f *checkFlags) checker(c *checked) *check.Checker {
	return &check.Checker{
		Kube: c.clients.kube, Workloads: c.clients.workloads, Databases: target.NewFinder(c.clients.kube),
		Container: f.database.container, Prove: f.prove,
		Server: func(d *target.Database) check.Server { return c.clients.server(d, c.admins.of(d), "postgres") },
	}
}

// server returns the server to search for orphans in addition to those of the bindings, or none if its namespace is unknown.
func (f *checkFlags) server() (target.Ref, error) {
	if f.namespace == "" && f.database.namespace == "" {
		return target.Ref{}, nil
	}
	return f.database.ref(f.namespace)
}

// workloadArgs are workloads as the user typed them.
type workloadArgs struct {
	namespace string
	args      []string
}

// bindingsOf returns the bindings of the named workloads. A workload without bindings is an error.
func bindingsOf(ctx context.Context, c *clients, found *inventory.Inventory, named workloadArgs) ([]inventory.Binding, error) {
	workloads, err := c.workloads.Get(ctx, named.namespace, named.args)
	if err != nil {
		return nil, err
	}
	var picked []inventory.Binding
	for _, w := range workloads {
		before := len(picked)
		for _, b := range found.Bindings {
			if b.Marks.Workload == w.String() {
				picked = append(picked, b)
			}
		}
		if len(picked) == before {
			return nil, fmt.Errorf("%s in namespace %s has no binding: create one with: kubectl pgbind %s -n %s",
				w, w.Namespace(), w, w.Namespace())
		}
	}
	return picked, nil
}
