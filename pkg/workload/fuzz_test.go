package workload

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// FuzzFullName requires that every spelling of a workload has the same full name.
func FuzzFullName(f *testing.F) {
	for _, seed := range []string{"", "/", "deploy/web", "Deployments.apps/web", "deployment.other/web", "po/a/b", "job/x", "sts/", "x.y/z", "deployment.apps/web", "DEPLOY./web"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		full := FullName(arg)
		assert.Equal(t, full, FullName(full))
		if CheckArgs([]string{arg}) == nil {
			assert.Contains(t, full, "/")
		}
	})
}

// FuzzManagedBy reads arbitrary managed fields.
func FuzzManagedBy(f *testing.F) {
	const fields = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:envFrom":{}}}}}}}`
	const applied = `{"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"app","envFrom":[{}]}]}}}}`
	for _, seed := range []string{"", "null", "[]", "1", `{"f:spec":null}`, `{"f:spec":[]}`, fields, applied} {
		f.Add(seed, applied, "app")
		f.Add(fields, seed, `a"b`)
	}
	f.Fuzz(func(t *testing.T, fields, applied, container string) {
		k, _ := kindFor(schema.GroupKind{Group: "apps", Kind: "Deployment"})
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: applied}}}
		if json.Valid([]byte(fields)) {
			d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "helm", FieldsV1: metav1.NewFieldsV1(fields)}}
		}
		w, err := newWorkload(k, d)
		require.NoError(t, err)
		manager, managed := ManagedBy(w, []string{container})
		assert.Equal(t, managed, manager != "")
		_, none := ManagedBy(w, nil)
		assert.False(t, none, "without containers")
	})
}

// FuzzReference adds a reference to a template and removes it. The template must then be as before, for all names.
func FuzzReference(f *testing.F) {
	for _, inject := range []Inject{InjectEnvFrom, InjectEnv, InjectVolume} {
		f.Add(string(inject), "postgresql-secret-2", "DB_", "POSTGRES_HOST", "/run/db")
		f.Add(string(inject), "", "=", "A", "")
		f.Add(string(inject), "s", "", "\x00", "/a:b")
	}
	f.Fuzz(func(t *testing.T, inject, secret, prefix, key, path string) {
		template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}}
		before := template.DeepCopy()
		r := Reference{
			Inject:     Inject(inject),
			Secret:     secret,
			Prefix:     prefix,
			Keys:       []string{key},
			MountPath:  path,
			Containers: []string{"app"},
		}
		if _, known := map[Inject]bool{InjectEnvFrom: true, InjectEnv: true, InjectVolume: true}[r.Inject]; !known || key == "" {
			return
		}
		if err := r.Set(template); err != nil {
			return
		}
		assert.True(t, UsesSecret(&template.Spec, secret))
		once := template.DeepCopy()
		require.NoError(t, r.Set(template))
		assert.Equal(t, once, template, "setting it twice adds one reference")
		assert.True(t, r.Present(template))
		assert.True(t, RemoveReference(template, secret))
		text, err := json.Marshal(template)
		require.NoError(t, err)
		want, err := json.Marshal(before)
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(text))
	})
}
