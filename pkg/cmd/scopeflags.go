package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// scopeFlags select bindings.
type scopeFlags struct {
	all      bool
	selector string
	shard    shardFlag
}

func (f *scopeFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.all, "all-namespaces", "A", false, "Use all namespaces")
	cmd.Flags().StringVarP(&f.selector, "selector", "l", "", "Label selector for workloads, as in kubectl get")
	f.shard.addTo(cmd.Flags())
}

// namespace returns the namespace, or an empty string for all namespaces.
func (f *scopeFlags) namespace(connection *genericclioptions.ConfigFlags) (string, error) {
	namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("find the namespace: %w", err)
	}
	if f.all {
		namespace = ""
	}
	return namespace, nil
}

// read reads the bindings of the scope, including those of other shards, and warns about everything that could not be read.
func (f *scopeFlags) read(ctx context.Context, connection *genericclioptions.ConfigFlags,
	r *report) (found *inventory.Inventory, namespace string, err error) {
	selector, err := labels.Parse(f.selector)
	if err != nil {
		return nil, "", fmt.Errorf("read --selector: %w", err)
	}
	if namespace, err = f.namespace(connection); err != nil {
		return nil, "", err
	}
	reader, err := newReader(connection)
	if err != nil {
		return nil, "", err
	}
	if found, err = reader.Read(ctx, namespace, selector); err != nil {
		return nil, "", err
	}
	for _, gap := range found.Gaps {
		r.Warn("%s", gap)
	}
	if !found.SecretsRead() {
		r.Warn("Secrets could not be listed: the output contains only the annotations of workloads")
	}
	return found, namespace, nil
}
