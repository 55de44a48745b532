package workload_test

import (
	"encoding/json"
	"fmt"
	"strings"
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
	const container = `{"spec":{"template":{"spec":{"containers":[{"name":"app","envFrom":%s}]}}}}`
	for name, tt := range map[string]struct {
		applied any
		want    string
	}{
		"with an empty envFrom":             {json.RawMessage(fmt.Sprintf(container, "[]")), "kubectl apply"},
		"with a null envFrom":               {json.RawMessage(fmt.Sprintf(container, "null")), "kubectl apply"},
		"with another container":            {json.RawMessage(strings.Replace(fmt.Sprintf(container, "[]"), "app", "other", 1)), ""},
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
	c := &batchv1.CronJob{
		ObjectMeta: meta("nightly"),
		Spec:       batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}},
	}
	c.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "ci", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(fields)},
	}
	manager, ok := workload.ManagedBy(get(t, "/apis/batch/v1/namespaces/shop/cronjobs/nightly", "cj/nightly", c), []string{"app"})
	assert.True(t, ok)
	assert.Equal(t, "ci", manager)
}

// managed returns the Deployment web with the Secret in envFrom, the manifest of kubectl apply, and the entry in its managed fields.
func managed(t *testing.T, manifest string, entry *metav1.ManagedFieldsEntry) *workload.Workload {
	t.Helper()
	d := deployment("web")
	d.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours)}
	d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{keyRef("PGHOST", ours, "POSTGRES_HOST")}
	if manifest != "" {
		d.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: manifest}
	}
	if entry != nil {
		d.ManagedFields = []metav1.ManagedFieldsEntry{
			*entry,
			{Manager: "kustomize-controller", Operation: metav1.ManagedFieldsOperationApply},
		}
	}
	w, err := workload.Of(d)
	require.NoError(t, err)
	return w
}

// owner returns an entry that owns the field of the container "app".
func owner(manager string, operation metav1.ManagedFieldsOperationType, field string) *metav1.ManagedFieldsEntry {
	fields := `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{` + field + `}}}}}}`
	return &metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestRemovedByAndRestoredBy(t *testing.T) {
	const (
		update, apply = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
		list, entry   = `"f:envFrom":{}`, `"f:env":{"k:{\"name\":\"PGHOST\"}":{".":{},"f:name":{},"f:valueFrom":{"f:secretKeyRef":{}}}}`
		literal       = `"f:env":{"k:{\"name\":\"PGHOST\"}":{".":{},"f:name":{},"f:value":{}}}`
		container     = `{"spec":{"template":{"spec":{"containers":[{"name":"app"%s}]}}}}`
	)
	manifest := func(rest string) string { return fmt.Sprintf(container, rest) }
	ref := func(name string) string { return `,"envFrom":[{"secretRef":{"name":"` + name + `"}}]` }
	for name, tt := range map[string]struct {
		workload          *workload.Workload
		removes, restores string
	}{
		"nobody":                         {managed(t, "", nil), "", ""},
		"kubectl apply, no envFrom":      {managed(t, manifest(""), nil), "", ""},
		"kubectl apply, empty envFrom":   {managed(t, manifest(`,"envFrom":[]`), nil), "kubectl apply", ""},
		"kubectl apply, another Secret":  {managed(t, manifest(ref("other")), nil), "kubectl apply", ""},
		"kubectl apply, the Secret":      {managed(t, manifest(ref(ours)), nil), "", "kubectl apply"},
		"server-side apply, envFrom":     {managed(t, "", owner("ci", apply, list)), "", "ci"},
		"server-side apply, a variable":  {managed(t, "", owner("ci", apply, entry)), "", "ci"},
		"server-side apply, a literal":   {managed(t, "", owner("ci", apply, literal)), "", ""},
		"server-side apply, the image":   {managed(t, "", owner("ci", apply, `"f:image":{}`)), "", ""},
		"Flux, an old field manager":     {managed(t, "", owner("kubectl-pgbind", update, list)), "Flux", ""},
		"Flux, a variable of kubectl":    {managed(t, "", owner("kubectl-set", update, entry)), "Flux", ""},
		"Flux, the field manager of now": {managed(t, "", owner(fieldManager, update, list)), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tool, _ := workload.RemovedBy(tt.workload, ours)
			assert.Equal(t, tt.removes, tool)
			tool, _ = workload.RestoredBy(tt.workload, ours)
			assert.Equal(t, tt.restores, tool)
		})
	}
}

func TestCheckFieldManager(t *testing.T) {
	flux := managed(t, "", owner("ci", metav1.ManagedFieldsOperationUpdate, `"f:image":{}`))
	require.ErrorContains(t, workload.CheckFieldManager(flux, "kubectl-ci"), "begins with kubectl")
	require.NoError(t, workload.CheckFieldManager(flux, fieldManager))
	require.NoError(t, workload.CheckFieldManager(managed(t, "", nil), "kubectl-ci"))
	d := deployment("web")
	d.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}
	labelled, err := workload.Of(d)
	require.NoError(t, err)
	require.Error(t, workload.CheckFieldManager(labelled, "kubectl"))
}
