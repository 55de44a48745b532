package workload_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// get reads one workload from a server that has only this workload.
func get(t *testing.T, path, arg string, obj runtime.Object) *workload.Workload {
	t.Helper()
	server, client := newAPIServer(t)
	server.on("GET "+path, answer(obj))
	ws, err := client.Get(t.Context(), namespace, []string{arg})
	require.NoError(t, err)
	return ws[0]
}

func TestManagedBy(t *testing.T) {
	const (
		envFromOfApp = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:envFrom":{},"f:image":{}}}}}}}`
		envFromOfMig = `{"f:spec":{"f:template":{"f:spec":{"f:initContainers":{"k:{\"name\":\"app\"}":{"f:envFrom":{}}}}}}}`
		imageOfApp   = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:image":{}}}}}}}`
		envFromOther = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"other\"}":{"f:envFrom":{}}}}}}}`
	)
	for name, tt := range map[string]struct {
		manager   string
		operation metav1.ManagedFieldsOperationType
		fields    string
		want      string
	}{
		"server-side apply":             {"ci", metav1.ManagedFieldsOperationApply, envFromOfApp, "ci"},
		"server-side apply, init":       {"ci", metav1.ManagedFieldsOperationApply, envFromOfMig, "ci"},
		"server-side apply without":     {"ci", metav1.ManagedFieldsOperationApply, imageOfApp, ""},
		"server-side apply, other one":  {"ci", metav1.ManagedFieldsOperationApply, envFromOther, ""},
		"Argo CD":                       {"argocd-controller", metav1.ManagedFieldsOperationUpdate, envFromOfApp, "argocd-controller"},
		"Flux":                          {"kustomize-controller", metav1.ManagedFieldsOperationApply, envFromOfApp, "kustomize-controller"},
		"Helm":                          {"helm", metav1.ManagedFieldsOperationUpdate, envFromOfApp, "helm"},
		"kubectl edit does not reapply": {"kubectl-edit", metav1.ManagedFieldsOperationUpdate, envFromOfApp, ""},
		"ours":                          {fieldManager, metav1.ManagedFieldsOperationUpdate, envFromOfApp, ""},
		"no fields":                     {"helm", metav1.ManagedFieldsOperationApply, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := deployment("web")
			entry := metav1.ManagedFieldsEntry{Manager: tt.manager, Operation: tt.operation}
			if tt.fields != "" {
				entry.FieldsV1 = metav1.NewFieldsV1(tt.fields)
			}
			d.ManagedFields = []metav1.ManagedFieldsEntry{entry}
			manager, ok := workload.ManagedBy(get(t, webPath, "deploy/web", d), []string{"app"})
			assert.Equal(t, tt.want, manager)
			assert.Equal(t, tt.want != "", ok)
		})
	}
}

func TestManagedBy_ReadsLastAppliedManifest(t *testing.T) {
	plain, own := deployment("web"), deployment("web")
	own.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", "other")}
	for name, tt := range map[string]struct {
		applied any
		want    string
	}{
		"without envFrom, as in the lesson": {plain, ""},
		"with envFrom":                      {own, "kubectl apply"},
		"not an object":                     {"text", ""},
	} {
		t.Run(name, func(t *testing.T) {
			manifest, err := json.Marshal(tt.applied)
			require.NoError(t, err)
			d := deployment("web")
			d.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: string(manifest)}
			manager, _ := workload.ManagedBy(get(t, webPath, "deploy/web", d), []string{"app"})
			assert.Equal(t, tt.want, manager)
		})
	}
}

func TestManagedBy_FindsTemplateOfCronJob(t *testing.T) {
	fields := `{"f:spec":{"f:jobTemplate":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:envFrom":{}}}}}}}}}`
	c := &batchv1.CronJob{ObjectMeta: meta("nightly"), Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}}}
	c.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "ci", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(fields)}}
	manager, ok := workload.ManagedBy(get(t, "/apis/batch/v1/namespaces/shop/cronjobs/nightly", "cj/nightly", c), []string{"app"})
	assert.True(t, ok)
	assert.Equal(t, "ci", manager)
}

func TestOverlaps(t *testing.T) {
	tpl := template("app", "other")
	config := corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}
	for i := range tpl.Spec.Containers {
		tpl.Spec.Containers[i].EnvFrom = []corev1.EnvFromSource{config, envFrom("SHOP_", "prefixed")}
	}
	r := reference(workload.InjectEnvFrom)
	require.NoError(t, r.Add(&tpl))
	tpl.Spec.Containers[0].EnvFrom = append(tpl.Spec.Containers[0].EnvFrom, envFrom("", "late"))
	overlaps := r.Overlaps(&tpl)
	assert.Equal(t, []workload.Overlap{{Container: "app", Source: "configmap/settings"}, {Container: "app", Source: "secret/late", Wins: true}}, overlaps)
	assert.Contains(t, overlaps[0].String(), "the binding's Secret wins")
	assert.Contains(t, overlaps[1].String(), "secret/late wins")
	assert.Empty(t, reference(workload.InjectVolume).Overlaps(&tpl))
}
