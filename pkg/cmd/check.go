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
		Short: "Tell whether bindings are still true",
		Long: templates.LongDesc(`
			Tell whether the bindings of a namespace, or of some workloads, are still true.

			For each binding it logs in with the Secret's password over the network, holds the role, the Secret and the workload against
			each other, reads what the role may do, and looks for Pods that started before the Secret changed. It also finds roles and
			Secrets that nothing belongs to any more. It changes nothing, and it tries no login without a password unless --prove.

			There is one line for each finding, the worst first, with the command that mends it. The exit code is 0 if every line says
			OK, else 1. What could not be read is unknown, never well and never an orphan.`),
		Example: templates.Examples(`
			# Check all bindings of the current namespace
			kubectl pgbind check

			# Check one workload's
			kubectl pgbind check deployment/web

			# Print what is wrong, for a program
			kubectl pgbind check -A -o json`),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && (flags.scope.all || flags.scope.selector != "" || flags.scope.shard.text != "") {
				return fmt.Errorf("workloads and --all-namespaces, --selector or --shard exclude each other")
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

// checkFlags say what is checked, and how.
type checkFlags struct {
	connection *genericclioptions.ConfigFlags
	scope      scopeFlags
	database   databaseFlags
	prove      bool
	manager    string // of what a prune writes
	required   bool   // the user named the server
	first      bool   // this shard also looks for what belongs to no binding
	namespace  string // "" for all
}

func (f *checkFlags) addTo(cmd *cobra.Command) {
	f.scope.addTo(cmd)
	f.database.addServer(cmd.Flags())
	f.database.addAdminPassword(cmd.Flags())
	cmd.Flags().BoolVar(&f.prove, "prove", false, "Also try a login without a password, where the server does not tell whether it asks for one")
}

// complete refuses what does not fit together.
func (f *checkFlags) complete(cmd *cobra.Command) error {
	f.required = cmd.Flags().Changed("postgres") || cmd.Flags().Changed("postgres-namespace")
	if f.database.adminPassword != "" && !f.required {
		return errUnnamed
	}
	part, err := f.scope.shard.shard()
	f.first = part.First()
	return err
}

// checked is what came of a check, and what it was made with.
type checked struct {
	findings check.Findings
	clients  *clients
	admins   *administrators
}

// check checks the workloads that args name, or all of the scope.
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
		Kube: c.clients.kube, Workloads: c.clients.workloads, Databases: target.NewFinder(c.clients.kube), Container: f.database.container, Prove: f.prove,
		Server: func(d *target.Database) check.Server { return c.clients.server(d, c.admins.of(d), "postgres") },
	}
}

// server is the one that is asked for orphans beside those of the bindings; none, where it is not told in which namespace.
func (f *checkFlags) server() (target.Ref, error) {
	if f.namespace == "" && f.database.namespace == "" {
		return target.Ref{}, nil
	}
	return f.database.ref(f.namespace)
}

// workloadArgs name workloads, as they were typed.
type workloadArgs struct {
	namespace string
	args      []string
}

// bindingsOf picks the bindings of the named workloads. That one has none is an error.
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
			return nil, fmt.Errorf("%s in namespace %s has no binding: make one with: kubectl pgbind %s -n %s", w, w.Namespace(), w, w.Namespace())
		}
	}
	return picked, nil
}
