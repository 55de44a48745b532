//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// TestResultsAsObjects prints what a bind did in each format, which must never hold the Secret's data; see fixture.bind.
func TestResultsAsObjects(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")

	var fromJSON, fromYAML v1alpha1.Binding
	require.NoError(t, json.Unmarshal([]byte(f.bind("deployment/web", "-o", "json", "--access=readonly").Stdout), &fromJSON))
	require.NoError(t, yaml.UnmarshalStrict([]byte(f.bind("deployment/web", "-o", "yaml", "--access=readonly").Stdout), &fromYAML))

	assert.Equal(t, "pgbind.dev/v1alpha1 Binding", fromJSON.APIVersion+" "+fromJSON.Kind)
	assert.Equal(t, firstSecret, fromJSON.Name)
	assert.Equal(t, f.login(firstSecret).Username, fromJSON.Status.Role)
	assert.Equal(t, f.login(firstSecret).Host, fromJSON.Status.Host)
	require.NotNil(t, fromJSON.Status.Verified)
	assert.True(t, *fromJSON.Status.Verified)
	assert.Equal(t, fromJSON.Spec, fromYAML.Spec)
	for format, want := range map[string]string{
		"name":                         "binding.pgbind.dev/" + firstSecret + "\n",
		"jsonpath={.status.role}":      fromJSON.Status.Role,
		"go-template={{.spec.access}}": "readonly",
	} {
		assert.Equal(t, want, f.bind("deployment/web", "--access=readonly", "-o", format).Stdout, format)
	}
	f.idle("second")
	var list struct {
		Kind  string             `json:"kind"`
		Items []v1alpha1.Binding `json:"items"`
	}
	require.NoError(
		t,
		json.Unmarshal([]byte(f.bind("deployment/web", "deployment/second", "--access=readonly", "-o", "json").Stdout), &list),
	)
	assert.Equal(t, "List", list.Kind)
	assert.Len(t, list.Items, 2)
	refused := f.run(f.Pgbind("deployment/web", "-o", "toml"))
	assert.Equal(t, 2, refused.Code)
	assert.Contains(t, refused.Stderr, "allowed formats are")
}

// TestSecretLabels selects the Secrets of a binding as a person does, and copies no label by which Argo CD adopts objects.
func TestSecretLabels(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	web := small(deployment("web", nil))
	const instance = "app.kubernetes.io/instance"
	web.Labels = map[string]string{
		"app.kubernetes.io/name":    "shop-web",
		"app.kubernetes.io/part-of": "shop",
		instance:                    "web-prod",
		"tier":                      "front",
	}
	f.create(web)
	f.bind("deployment/web", "--key=servicebinding")
	id := f.metadata(f.secret(firstSecret)).Status.ID
	require.NotEmpty(t, id)

	for _, selector := range []string{"pgbind.dev/id=" + id, "app.kubernetes.io/name=shop-web,app.kubernetes.io/part-of=shop"} {
		for range 2 {
			names, err := f.Kubectl("get", "secrets", "--selector="+selector, "--output=name").Output(f.ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{"secret/" + firstSecret, "secret/" + firstSecret + "-binding"}, lines(names), selector)
			f.bind("rotate", "deployment/web", "--grace=0s")
		}
	}
	none, err := f.Kubectl("get", "secrets", "--selector="+instance, "--output=name").Output(f.ctx)
	require.NoError(t, err)
	assert.Empty(t, none)
	f.bind("unbind", "deployment/web", "--grace=0s")
	assert.Empty(t, f.boundSecrets())
}
