//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// customKind is a kind of workload that Kubernetes does not have.
type customKind struct {
	group, version, kind string
}

func (k customKind) plural() string { return strings.ToLower(k.kind) + "s" }

// definition is the smallest definition of the kind: the API server keeps whatever an object has.
func (k customKind) definition() string {
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.%[2]s}
spec:
  group: %[2]s
  names: {plural: %[1]s, singular: %[3]s, kind: %[4]s}
  scope: Namespaced
  versions:
  - name: %[5]s
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`, k.plural(), k.group, strings.ToLower(k.kind), k.kind, k.version)
}

// install defines the kind for the time of the test, unless it is defined already.
func (f *fixture) install(k customKind) {
	f.t.Helper()
	name := "crd/" + k.plural() + "." + k.group
	if _, err := f.Kubectl("get", name).Output(f.ctx); err == nil {
		return
	}
	_, err := f.Kubectl("create", "--filename=-").Stdin(k.definition()).Output(f.ctx)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _, _ = f.Kubectl("delete", name, "--wait=false").Output(f.ctx) })
	requireEstablished(f.t, name)
}

// requireEstablished waits until the API server serves a kind. kubectl wait fails while the definition has no condition at all.
func requireEstablished(t *testing.T, name string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := cluster.Kubectl("wait", "--for=condition=Established", "--timeout=60s", name).Output(t.Context())
		require.NoError(c, err)
	}, time.Minute, 100*time.Millisecond)
}

// object is an object of the kind with a pod template at a path, and a field in it that no version of Kubernetes has.
func (k customKind) object(path ...string) string {
	var spec any = map[string]any{"futureField": "kept", "spec": map[string]any{"containers": []any{
		map[string]any{"name": "app", "image": appImage, "futureField": "kept"},
	}}}
	for i := len(path) - 1; i >= 0; i-- {
		spec = map[string]any{path[i]: spec}
	}
	object := map[string]any{
		"apiVersion": k.group + "/" + k.version,
		"kind":       k.kind,
		"metadata":   map[string]any{"name": "web"},
		"spec":       spec,
	}
	text, _ := yaml.Marshal(object)
	return string(text)
}

// TestCustomKinds binds, rotates and unbinds kinds that Kubernetes does not have. Their definitions are minimal and
// their controllers are not there: it proves that the objects are found, patched and listed, not that a controller
// replaces Pods. It is not parallel, because the definitions are of the whole cluster.
func TestCustomKinds(t *testing.T) { //nolint:paralleltest // see above
	f := newLesson(t, harness.WithoutClaim)
	for _, test := range []struct {
		kind customKind
		name string
		path []string
		args []string
	}{
		{customKind{"argoproj.io", "v1alpha1", "Rollout"}, "rollout.argoproj.io/web", []string{"template"}, nil},
		{customKind{"apps.openshift.io", "v1", "DeploymentConfig"}, "deploymentconfig.apps.openshift.io/web", []string{"template"}, nil},
		{customKind{"serving.knative.dev", "v1", "Service"}, "service.serving.knative.dev/web", []string{"template"}, nil},
		{customKind{"apps.kruise.io", "v1alpha1", "CloneSet"}, "cloneset.apps.kruise.io/web", []string{"template"}, nil},
		{customKind{"pgbind.example.org", "v1", "Widget"}, "widget.pgbind.example.org/web", []string{"jobTemplate", "spec", "template"},
			[]string{"--template-path=spec.jobTemplate.spec.template"}},
	} {
		t.Run(test.kind.kind, func(t *testing.T) {
			f := f.in(t)
			f.install(test.kind)
			_, err := f.Kubectl("create", "--filename=-").Stdin(test.kind.object(test.path...)).Output(f.ctx)
			require.NoError(t, err)
			template := func() string {
				out, err := f.Kubectl("get", test.name, "--output=jsonpath={.spec."+strings.Join(test.path, ".")+"}").Output(f.ctx)
				require.NoError(t, err)
				return out
			}
			before := template()

			if len(test.args) > 0 {
				result := f.run(f.Pgbind(test.name))
				assert.Equal(t, 1, result.Code)
				assert.Contains(t, result.Stderr, "--template-path (it has one at spec.jobTemplate.spec.template)")
			}
			result := f.bind(append([]string{test.name, "--secret=own", "--wait=false"}, test.args...)...)
			assert.Contains(t, result.Stdout, test.name+" bound\n")
			assert.Contains(t, template(), `"envFrom":[{"secretRef":{"name":"own"}}]`)
			assert.Equal(t, 2, strings.Count(template(), "futureField"))
			assert.Contains(t, f.bind(test.name, "--secret=own", "--wait=false").Stdout, test.name+" unchanged\n")
			assert.Contains(t, f.run(f.Pgbind("list", "-o", "yaml")).Stdout, test.name)
			assert.Contains(t, f.run(f.Pgbind("check", test.name)).Stdout, "OK")

			// The status of a rollout is the controller's, and there is none.
			_, err = f.Kubectl("patch", test.name, "--subresource=status", "--type=merge", "--patch", statusOf(test.name)).Output(f.ctx)
			require.NoError(t, err)
			unbound := f.run(f.Pgbind("unbind", test.name))
			assert.Equal(t, 0, unbound.Code, unbound.Stderr)
			assert.Equal(t, before, template())
			annotations, err := f.Kubectl("get", test.name, "--output=jsonpath={.metadata.annotations}").Output(f.ctx)
			require.NoError(t, err)
			assert.Empty(t, annotations)
		})
	}
}

// statusOf is a status of a complete rollout of any of the kinds, also after the next changes. Argo writes generations as text.
func statusOf(name string) string {
	generation := "9"
	if strings.HasPrefix(name, "rollout") {
		generation = `"9"`
	}
	return `{"status":{"observedGeneration":` + generation + `,"replicas":1,"updatedReplicas":1,"availableReplicas":1,"updatedReadyReplicas":1,
		"conditions":[{"type":"Ready","status":"True"}],"phase":"Healthy"}}`
}
