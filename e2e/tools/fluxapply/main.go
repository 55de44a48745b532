// Command fluxapply applies manifests as Flux's kustomize-controller does in one reconciliation: with its library, its
// name, and the options of its version 1.9.3. The end-to-end tests run it, because they have no access to the image of
// the controller.
//
// Usage: fluxapply NAME NAMESPACE <manifests.yaml, where NAME and NAMESPACE are those of the Kustomization, and
// KUBECONFIG names the cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The names that the controller gives to itself and to its API group.
const (
	controller = "kustomize-controller"
	group      = "kustomize.toolkit.fluxcd.io"
)

const timeout = 5 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fluxapply:", err)
		os.Exit(1)
	}
}

// run applies the manifests and prints a line for each object.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("use: fluxapply NAME NAMESPACE <manifests.yaml")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	manager, err := newManager(config)
	if err != nil {
		return err
	}
	objects, err := utils.ReadObjects(in)
	if err != nil {
		return fmt.Errorf("read the manifests: %w", err)
	}
	manager.SetOwnerLabels(objects, args[0], args[1])
	for _, o := range objects {
		if o.GetNamespace() == "" {
			o.SetNamespace(args[1])
		}
	}
	if err := normalize.UnstructuredList(objects); err != nil {
		return fmt.Errorf("normalize the manifests: %w", err)
	}
	changes, err := manager.ApplyAllStaged(ctx, objects, options())
	if err != nil {
		return fmt.Errorf("apply the manifests: %w", err)
	}
	_, err = fmt.Fprintln(out, changes)
	return err
}

func newManager(config *rest.Config) (*ssa.ResourceManager, error) {
	kube, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	poller := polling.NewStatusPoller(kube, kube.RESTMapper(), polling.Options{})
	return ssa.NewResourceManager(kube, poller, ssa.Owner{Field: controller, Group: group}), nil
}

// options are those of a Kustomization without settings of its own.
func options() ssa.ApplyOptions {
	o := ssa.DefaultApplyOptions()
	o.ExclusionSelector = map[string]string{group + "/reconcile": "disabled", group + "/ssa": "Ignore"}
	o.IfNotPresentSelector = map[string]string{group + "/ssa": "IfNotPresent"}
	o.ForceSelector = map[string]string{group + "/force": "enabled"}
	o.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation, group + "/checksum", "fluxcd.io/sync-checksum"},
		Labels:      []string{"fluxcd.io/sync-gc-mark"},
		// The names are prefixes.
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: controller, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": "Merge"},
	}
	return o
}
