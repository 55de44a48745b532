package flags

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// Namespaces selects the current namespace or all.
type Namespaces struct {
	All bool
}

// AddTo adds the flag.
func (f *Namespaces) AddTo(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.All, "all-namespaces", "A", false, "Use all namespaces")
}

// Namespace returns the namespace, or an empty string for all namespaces.
func (f *Namespaces) Namespace(connection *genericclioptions.ConfigFlags) (string, error) {
	if f.All {
		return "", nil
	}
	return NamespaceOf(connection)
}

// Scope selects bindings.
type Scope struct {
	Namespaces

	Selector string
	Shard    Shard
	// Templates means that pod templates decide which Secrets the workloads use.
	Templates bool
}

// AddTo adds the flags.
func (f *Scope) AddTo(cmd *cobra.Command) {
	f.Namespaces.AddTo(cmd)
	cmd.Flags().StringVarP(&f.Selector, "selector", "l", "", "Label selector for workloads, as in kubectl get")
	f.Shard.AddTo(cmd.Flags())
}

// Validate rejects flags that cannot be parsed.
func (f *Scope) Validate() error {
	_, errLabels := f.labels()
	_, errShard := f.Shard.Parse()
	return errors.Join(errLabels, errShard)
}

func (f *Scope) labels() (labels.Selector, error) {
	selector, err := labels.Parse(f.Selector)
	if err != nil {
		return nil, fmt.Errorf("read --selector: %w", err)
	}
	return selector, nil
}

// Read reads the bindings of the scope, including those of other shards, and warns about everything that could not be read.
func (f *Scope) Read(ctx context.Context, connection *genericclioptions.ConfigFlags, r report.Reporter) (*inventory.Inventory, error) {
	selector, err := f.labels()
	if err != nil {
		return nil, err
	}
	namespace, err := f.Namespace(connection)
	if err != nil {
		return nil, err
	}
	reader, err := client.NewInventory(connection)
	if err != nil {
		return nil, err
	}
	found, err := reader.Read(ctx, namespace, selector)
	if err != nil {
		return nil, err
	}
	if f.Templates {
		if err := reader.ReadTemplates(ctx, namespace, found); err != nil {
			return nil, err
		}
	}
	for _, gap := range found.Gaps {
		r.Warn("%s", gap)
	}
	if !found.SecretsRead() {
		r.Warn("Secrets could not be listed: the output contains only the annotations of workloads")
	}
	return found, nil
}
