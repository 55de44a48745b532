//go:build e2e && controllers

package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The objects of Flux by which it applies the application from Git.
const (
	gitRepository = "gitrepository.source.toolkit.fluxcd.io/app"
	kustomization = "kustomization.kustomize.toolkit.fluxcd.io/app"
)

// TestFluxControllers has the controllers of Flux fetch the application's manifest from a Git server, and apply it.
func TestFluxControllers(t *testing.T) {
	t.Parallel()
	module{"source-controller", "github.com/fluxcd/source-controller"}.define(t, "config/crd/bases/*.yaml")
	module{"kustomize-controller", "github.com/fluxcd/kustomize-controller"}.define(t, "config/crd/bases/*.yaml")
	f := newGitOps(t)
	f.startGit()
	f.service("source-controller", 80, 9090)
	f.start(controller{
		name:    "source-controller",
		port:    9090,
		path:    "/",
		folders: []string{"/data", "/tmp"},
		args: []string{
			"--watch-all-namespaces=false",
			"--storage-path=/data",
			"--storage-adv-addr=source-controller." + f.Name + ".svc.cluster.local.",
		},
	})
	f.start(controller{
		name: "kustomize-controller", port: 9440, path: "/readyz", folders: []string{"/tmp"},
		args: []string{"--watch-all-namespaces=false"},
	})
	f.createSync()

	f.testTool(tool{apply: (*fixture).reconcile})
	t.Run("a push that changes something else", func(t *testing.T) { f.in(t).testPush((*fixture).reconcile) })
	t.Run("a manager that Flux disowns", func(t *testing.T) { f.in(t).testDisowned((*fixture).reconcile) })
}

// createSync creates the objects of Flux. They reconcile when the test requests it.
func (f *fixture) createSync() {
	f.t.Helper()
	source := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"interval": "24h",
		"ref":      map[string]any{"branch": "main"},
		"url":      f.gitURL(),
	}}}
	source.SetAPIVersion("source.toolkit.fluxcd.io/v1")
	source.SetKind("GitRepository")
	source.SetName("app")
	apply := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"interval": "24h", "path": "./", "prune": true, "sourceRef": map[string]any{"kind": "GitRepository", "name": "app"},
	}}}
	apply.SetAPIVersion("kustomize.toolkit.fluxcd.io/v1")
	apply.SetKind("Kustomization")
	apply.SetName("app")
	require.NoError(f.t, f.Apply(f.ctx, source, apply))
	// Only the controllers remove the finalizers of these objects, so that they must go before the namespace.
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		_, err := f.Kubectl("delete", kustomization, gitRepository).Output(ctx)
		assert.NoError(f.t, err)
	})
}

// reconcile pushes the manifest if it has changed, and has Flux fetch and apply it.
func (f *fixture) reconcile(manifest string) {
	f.t.Helper()
	revision := "main@sha1:" + f.push(manifest)
	assert.Equal(f.t, revision, f.request(gitRepository, "{.status.artifact.revision}"))
	assert.Equal(f.t, revision, f.request(kustomization, "{.status.lastAppliedRevision}"))
}

// request requests a reconciliation, waits for its end, and returns a field of the object.
func (f *fixture) request(object, field string) string {
	f.t.Helper()
	token := strconv.FormatInt(time.Now().UnixNano(), 10)
	f.kubectl("annotate", "--overwrite", object, "reconcile.fluxcd.io/requestedAt="+token)
	f.kubectl("wait", "--for=jsonpath={.status.lastHandledReconcileAt}="+token, "--timeout=120s", object)
	f.kubectl("wait", "--for=condition=Ready", "--timeout=60s", object)
	return f.kubectl("get", object, "--output=jsonpath="+field)
}
