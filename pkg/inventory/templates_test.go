package inventory

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// TestReadTemplates_DecideWhatIsBound requires that the pod template counts and not the annotation, which a tool can
// keep or a manifest lack.
func TestReadTemplates_DecideWhatIsBound(t *testing.T) {
	web, api := marksOf("deployment.apps/web", "uid-web"), marksOf("deployment.apps/api", "uid-api")
	reader := NewReader(cluster(t, newSecret("s", web), newSecret("t", api),
		deployment("web", "uid-web", map[string]string{"s": web.ID}), deployment("api", "uid-api", nil)))
	states := func(found *Inventory) map[string]State {
		all := map[string]State{}
		for _, b := range found.Entries {
			all[b.SecretName] = b.State(noon)
		}
		return all
	}
	var listed []string
	reader.List = func(_ context.Context, namespace string, of workload.Resource) ([]*workload.Workload, error) {
		listed = append(listed, namespace+"/"+of.Resource)
		reference := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "t"}}}
		with, err := workload.Of(
			&appsv1.Deployment{
				ObjectMeta: metav1.ObjectMeta{Name: "api", UID: "uid-api"},
				Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
					Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", EnvFrom: []corev1.EnvFromSource{reference}}}}}},
			},
		)
		require.NoError(t, err)
		without, err := workload.Of(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "uid-web"}})
		require.NoError(t, err)
		return []*workload.Workload{with, without}, nil
	}
	found, err := reader.Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	assert.Equal(t, map[string]State{"s": Bound, "t": Unreferenced}, states(found), "what the annotations say")
	require.NoError(t, reader.ReadTemplates(t.Context(), "shop", found))
	assert.Equal(t, map[string]State{"s": Unreferenced, "t": Bound}, states(found))
	assert.Equal(t, []string{"shop/deployments"}, listed, "only the kinds that have a binding")
	assert.Empty(t, found.Gaps)
}

func TestReadTemplates_KeepsAnErrorAsAGap(t *testing.T) {
	web := marksOf("deployment.apps/web", "uid-web")
	reader := NewReader(cluster(t, newSecret("s", web), deployment("web", "uid-web", map[string]string{"s": web.ID})))
	broken := errors.New("broken")
	reader.List = func(context.Context, string, workload.Resource) ([]*workload.Workload, error) { return nil, broken }
	found, err := reader.Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	require.NoError(t, reader.ReadTemplates(t.Context(), "shop", found))
	assert.Equal(t, []error{broken}, found.Gaps)
	assert.Equal(t, Bound, found.Entries[0].State(noon))
}
