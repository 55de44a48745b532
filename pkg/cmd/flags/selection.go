package flags

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// Selection selects bindings to rotate or unbind: those in the arguments, those of the workloads in the arguments, or all of a scope.
type Selection struct {
	Filter inventory.Filter

	scope Scope
	all   bool
}

// AddTo adds the flags.
func (f *Selection) AddTo(cmd *cobra.Command) {
	f.scope.AddTo(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "All bindings of the namespace")
	cmd.Flags().StringVar(&f.Filter.Database, "dbname", "", "Database of the binding, if the workload has several bindings")
	cmd.Flags().StringVar(&f.Filter.Secret, "secret", "", "Secret of the binding, if the workload has several bindings")
}

// Many reports whether the flags select bindings by their scope.
func (f *Selection) Many() bool { return f.all || f.scope.All || f.scope.Selector != "" }

// AllNamespaces reports whether the bindings can be in several namespaces.
func (f *Selection) AllNamespaces() bool { return f.scope.All }

// Validate requires workloads or a scope, but not both.
func (f *Selection) Validate(args []string) error {
	switch {
	case f.Many() && len(args) > 0:
		return errors.New("specify workloads, or --all, --all-namespaces or --selector, but not both")
	case !f.Many() && len(args) == 0:
		return errors.New("workload required: name it as TYPE/NAME, or use --all")
	case !f.Many() && f.scope.Shard.IsSet():
		return errors.New("--shard needs --all, --all-namespaces or --selector")
	case !f.Many():
		return inventory.CheckArgs(args)
	}
	return f.scope.Validate()
}

// Read returns the bindings of the scope and the shard.
func (f *Selection) Read(ctx context.Context, connection *genericclioptions.ConfigFlags, r report.Reporter) ([]inventory.Entry, error) {
	found, err := f.scope.Read(ctx, connection, r)
	if err != nil {
		return nil, err
	}
	return f.scope.Shard.Pick(found.Entries)
}
