// Command argosync synchronizes manifests as Argo CD does: with its gitops-engine, which compares them with the cluster
// and applies those that differ. The end-to-end tests run it, because they have no access to the image of Argo CD.
//
// Usage: argosync client|server|replace NAMESPACE <manifests.yaml, where KUBECONFIG names the cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
)

// manager is the field manager of Argo CD.
const manager = "argocd-controller"

// trackingLabel marks what belongs to the application.
const trackingLabel, application = "app.kubernetes.io/instance", "argosync"

const timeout = 5 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "argosync:", err)
		os.Exit(1)
	}
}

// builtIn excludes what other tests define and delete at the same time.
type builtIn struct{}

// IsExcludedResource reports whether the cluster's objects of a kind are not read.
func (builtIn) IsExcludedResource(group, _, _ string) bool { return group != "" && group != "apps" }

// run synchronizes the manifests and prints a line for each object.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("use: argosync client|server|replace NAMESPACE <manifests.yaml")
	}
	mode, namespace := args[0], args[1]
	if mode != "client" && mode != "server" && mode != "replace" {
		return fmt.Errorf("unknown mode %q: use client, server or replace", mode)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the manifests: %w", err)
	}
	objects, err := kube.SplitYAML(text)
	if err != nil {
		return fmt.Errorf("parse the manifests: %w", err)
	}
	for _, o := range objects {
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[trackingLabel] = application
		o.SetLabels(labels)
	}
	tracked := func(o *unstructured.Unstructured, _ bool) (info any, keep bool) {
		return nil, o.GetLabels()[trackingLabel] == application
	}
	live := cache.NewClusterCache(config, cache.SetNamespaces([]string{namespace}), cache.SetLogr(logr.Discard()),
		cache.SetSettings(cache.Settings{ResourceHealthOverride: cache.NewNoopSettings(), ResourcesFilter: builtIn{}}),
		cache.SetPopulateResourceInfoHandler(tracked))
	gitops := engine.NewEngine(config, live, engine.WithLogr(logr.Discard()))
	stop, err := gitops.Run()
	if err != nil {
		return fmt.Errorf("read the cluster: %w", err)
	}
	defer stop()
	managed := func(r *cache.Resource) bool {
		return r.Resource != nil && r.Resource.GetLabels()[trackingLabel] == application
	}
	results, err := gitops.Sync(
		ctx, objects, managed, "HEAD", namespace, sync.WithLogr(logr.Discard()),
		sync.WithServerSideApplyManager(manager), sync.WithManifestValidation(true),
		sync.WithServerSideApply(mode == "server"), sync.WithReplace(mode == "replace"),
		sync.WithClientSideApplyMigration(true, common.DefaultClientSideApplyMigrationManager),
	)
	if err != nil {
		return fmt.Errorf("synchronize: %w", err)
	}
	for _, r := range results {
		fmt.Fprintln(out, r.ResourceKey.String(), r.Status, r.Message)
		if r.Status == common.ResultCodeSyncFailed {
			err = errors.Join(err, fmt.Errorf("%s: %s", r.ResourceKey.String(), r.Message))
		}
	}
	return err
}
