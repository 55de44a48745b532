package workload_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// replacing returns the reference of a binding that keeps the names of the workload.
func replacing(containers ...string) workload.Reference {
	return workload.Reference{
		Secret:     ours,
		Inject:     workload.InjectEnv,
		Containers: containers,
		Keys:       []string{"DB_HOST", "DB_PASSWORD", "DB_USER"},
		Replace:    true,
	}
}

// shapes are pod templates with all kinds of variables.
func shapes() map[string]corev1.PodTemplateSpec {
	build := func(env ...corev1.EnvVar) corev1.PodTemplateSpec {
		t := template("app", "sidecar")
		t.Spec.Containers[0].Env = env
		return t
	}
	literal := func(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }
	fromConfigMap := corev1.EnvVar{Name: "DB_HOST", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "host", Optional: new(true)}}}
	fromField := corev1.EnvVar{
		Name:      "DB_HOST",
		ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.hostIP"}},
	}
	envFromOnly := build()
	envFromOnly.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("DB_", "login")}
	shared := build(literal("DB_USER", "boss"))
	shared.Spec.Containers[1].Env = []corev1.EnvVar{literal("DB_USER", "other")}
	return map[string]corev1.PodTemplateSpec{
		"literals": build(
			literal("A", "1"), literal("DB_HOST", "db"), literal("B", "$(DB_HOST)"), literal("DB_USER", "boss"),
			literal("DB_PASSWORD", "hunter2"),
		),
		"an empty literal": build(literal("DB_PASSWORD", ""), literal("DB_USER", "boss")),
		"references": build(
			fromConfigMap, keyRef("DB_USER", "login", "user"), keyRef("DB_PASSWORD", "login", "DB_PASSWORD"),
		),
		"a field": build(literal("A", "1"), fromField),
		"another order": build(
			literal("DB_PASSWORD", "hunter2"), literal("DB_HOST", "db"), literal("Z", "1"), literal("DB_USER", "boss"),
		),
		"only envFrom":                          envFromOnly,
		"nothing":                               build(),
		"another container":                     shared,
		"a composed literal":                    build(literal("DB_USER", "boss"), literal("DB_HOST", "$(DB_USER).db")),
		"a name of another Secret with our key": build(keyRef("DB_USER", "other", "DB_USER")),
	}
}

func TestReplaced_IsRestored(t *testing.T) {
	for name, before := range shapes() {
		t.Run(name, func(t *testing.T) {
			for _, containers := range [][]string{{"app"}, {"app", "sidecar"}} {
				bound, r := *before.DeepCopy(), replacing(containers...)
				former, err := r.Replaced(&bound)
				require.NoError(t, err)
				assert.Len(t, former, 3*len(containers))
				require.NoError(t, r.Add(&bound))
				assert.True(t, r.Present(&bound))
				for _, key := range r.Keys {
					assert.Contains(t, bound.Spec.Containers[0].Env, keyRef(key, ours, key))
				}
				assert.Equal(t, before.Spec.Containers[0].EnvFrom, bound.Spec.Containers[0].EnvFrom)

				again := *bound.DeepCopy()
				require.NoError(t, r.Add(&again))
				assert.Equal(t, bound, again)
				replaced, err := r.Replaced(&again)
				require.NoError(t, err)
				assert.Empty(t, replaced)

				changed, lost := workload.Restore(&bound, ours, former)
				assert.True(t, changed)
				assert.Empty(t, lost)
				assert.Equal(t, before, bound)
				changed, _ = workload.Restore(&bound, ours, former)
				assert.False(t, changed, "nothing of ours is left")
				assert.Equal(t, before, bound)
			}
		})
	}
}

// patched returns the workload as the API server has it after a patch.
func patched(t *testing.T, from *workload.Workload, patch []byte) *workload.Workload {
	t.Helper()
	before, err := json.Marshal(from.Object())
	require.NoError(t, err)
	after, err := strategicpatch.StrategicMergePatch(before, patch, appsv1.Deployment{})
	require.NoError(t, err)
	d := &appsv1.Deployment{}
	require.NoError(t, json.Unmarshal(after, d))
	w, err := workload.Of(d)
	require.NoError(t, err)
	return w
}

func TestReplaced_ThroughTheAPIServerAndBack(t *testing.T) {
	for name, before := range shapes() {
		d := deployment("web")
		d.Spec.Template = before
		w, err := workload.Of(d)
		require.NoError(t, err)
		bound, r := w.DeepCopy(), replacing("app")
		former, err := r.Replaced(bound.Template())
		require.NoError(t, err)
		require.NoError(t, r.Add(bound.Template()))
		restored := bound.DeepCopy()
		workload.Restore(restored.Template(), ours, former)
		for _, step := range []struct{ from, to *workload.Workload }{{w, bound}, {bound, restored}} {
			patch, err := workload.PatchBytes(step.from, step.to)
			require.NoError(t, err)
			assert.Equal(t, step.to.Template(), patched(t, step.from, patch).Template(), name)
		}
	}
}

func TestRestore_LeavesOtherChanges(t *testing.T) {
	tpl, r := shapes()["literals"], replacing("app")
	former, err := r.Replaced(&tpl)
	require.NoError(t, err)
	require.NoError(t, r.Add(&tpl))
	env := tpl.Spec.Containers[0].Env
	env[1] = corev1.EnvVar{Name: "DB_HOST", Value: "theirs"}
	env[3], env[4] = env[4], env[3]
	env = append(env, corev1.EnvVar{Name: "NEW", Value: "1"})
	tpl.Spec.Containers[0].Env = env
	former = append(former, secret.FormerVariable{Container: "gone", Name: "DB_HOST"})
	workload.Restore(&tpl, ours, former)
	assert.Equal(t, []corev1.EnvVar{
		{
			Name:  "A",
			Value: "1",
		},
		{Name: "DB_HOST", Value: "theirs"},
		{Name: "B", Value: "$(DB_HOST)"},
		{Name: "DB_PASSWORD", Value: "hunter2"},
		{Name: "DB_USER", Value: "boss"},
		{Name: "NEW", Value: "1"},
	}, tpl.Spec.Containers[0].Env)
}

func TestRestore_ReportsLostValues(t *testing.T) {
	tpl, r := shapes()["literals"], replacing("app")
	require.NoError(t, r.Add(&tpl))
	_, lost := workload.Restore(&tpl, ours, []secret.FormerVariable{{Container: "app", Name: "DB_USER", InSecret: true}})
	assert.Equal(t, []secret.FormerVariable{{Container: "app", Name: "DB_USER", InSecret: true}}, lost)
	assert.Len(t, tpl.Spec.Containers[0].Env, 4)
}

func TestReplaced_RefusesAVariableThatIsSetTwice(t *testing.T) {
	tpl := template("app")
	tpl.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "DB_USER", Value: "boss"}, {Name: "DB_USER", Value: "hunter2"}}
	_, err := replacing("app").Replaced(&tpl)
	require.ErrorContains(t, err, "container app sets DB_USER twice")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestHiddenVariables_NotThoseThatAReferenceReplaced(t *testing.T) {
	for name, tpl := range shapes() {
		require.NoError(t, replacing("app").Add(&tpl))
		keys := []string{"DB_HOST", "DB_PASSWORD", "DB_USER", ".pgbind-former", "PGBIND_PASSWORD"}
		assert.Empty(t, workload.HiddenVariables(&tpl, ours, keys, map[string][]string{"secret/login": {"DB_HOST", "USER"}}), name)
	}
}

func TestVariablesManagedBy(t *testing.T) {
	const fields = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:env":{"k:{\"name\":\"%NAME\"}":{}}}}}}}}`
	owned := func(name string) string { return strings.Replace(fields, "%NAME", name, 1) }
	for name, tt := range map[string]struct {
		manager   string
		operation metav1.ManagedFieldsOperationType
		fields    string
		want      string
	}{
		"server-side apply":             {"ci", metav1.ManagedFieldsOperationApply, owned("DB_USER"), "ci"},
		"another variable":              {"ci", metav1.ManagedFieldsOperationApply, owned("OTHER"), ""},
		"Helm":                          {"helm", metav1.ManagedFieldsOperationUpdate, owned("DB_HOST"), "helm"},
		"kubectl edit does not reapply": {"kubectl-edit", metav1.ManagedFieldsOperationUpdate, owned("DB_HOST"), ""},
	} {
		d := deployment("web")
		d.ManagedFields = []metav1.ManagedFieldsEntry{
			{Manager: tt.manager, Operation: tt.operation, FieldsV1: metav1.NewFieldsV1(tt.fields)},
		}
		manager, ok := workload.VariablesManagedBy(get(t, webPath, "deploy/web", d), replacing("app"))
		assert.Equal(t, tt.want, manager, name)
		assert.Equal(t, tt.want != "", ok, name)
	}

	applied := deployment("web")
	applied.Spec.Template = shapes()["literals"]
	manifest, err := json.Marshal(applied)
	require.NoError(t, err)
	d := deployment("web")
	d.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: string(manifest)}
	manager, _ := workload.VariablesManagedBy(get(t, webPath, "deploy/web", d), replacing("app"))
	assert.Equal(t, "kubectl apply", manager)
	other := replacing("app")
	other.Keys = []string{"DB_NAME"}
	_, ok := workload.VariablesManagedBy(get(t, webPath, "deploy/web", d), other)
	assert.False(t, ok)
}

func TestVariables_ReadsWhatTheContainerRefersTo(t *testing.T) {
	server, client := newAPIServer(t)
	d := deployment("web")
	app := &d.Spec.Template.Spec.Containers[0]
	app.Env = []corev1.EnvVar{
		keyRef("A", "login", "a"), keyRef("B", "login", "b"), keyRef("C", "gone", "c"), keyRef("OURS", ours, "OURS"),
		keyRef("D", "theirs", "d"),
	}
	app.EnvFrom = []corev1.EnvFromSource{
		{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}, envFrom("", ours),
	}
	server.on("GET "+webPath, answer(d))
	const base = "/api/v1/namespaces/shop/"
	server.on("GET "+base+"secrets/login", answer(&corev1.Secret{ObjectMeta: meta("login"), Data: map[string][]byte{"a": []byte("1")}}))
	server.on("GET "+base+"secrets/gone", refuse(notFound("secrets", "gone")))
	server.on(
		"GET "+base+"secrets/theirs",
		refuse(apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "theirs", errors.New("no"))),
	)
	server.on("GET "+base+"configmaps/settings", answer(&corev1.ConfigMap{ObjectMeta: meta("settings")}))
	ws, err := client.Get(t.Context(), namespace, []string{"deploy/web"})
	require.NoError(t, err)
	read, unread, err := client.Variables(t.Context(), ws[0], "app", ours)
	require.NoError(t, err)
	require.ErrorContains(t, unread, "theirs")
	assert.NotContains(t, unread.Error(), "gone")
	assert.Len(t, read.Env, 4, "without the binding's own")
	assert.Len(t, read.EnvFrom, 1)
	assert.Equal(t, map[string]map[string][]byte{"login": {"a": []byte("1")}}, read.Secrets)
	assert.Equal(t, map[string]map[string]string{"settings": {}}, read.ConfigMaps)

	server.on("GET "+base+"secrets/login", refuse(apierrors.NewInternalError(errors.New("broken"))))
	_, _, err = client.Variables(t.Context(), ws[0], "app", ours)
	require.ErrorContains(t, err, "read secret/login in namespace shop")
	_, _, err = client.Variables(t.Context(), ws[0], "none", ours)
	require.ErrorContains(t, err, "none")
}

func TestReplaced_IsRestoredInACustomKind(t *testing.T) {
	before := func() *unstructured.Unstructured {
		return custom("argoproj.io/v1alpha1", "Rollout", "web", func(o map[string]any) {
			containers, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
			app, _ := containers[0].(map[string]any)
			app["env"] = []any{
				map[string]any{"name": "A", "value": "1", "futureField": "kept"}, map[string]any{"name": "DB_USER", "value": "boss"},
				map[string]any{"name": "DB_HOST", "value": "db"}, map[string]any{"name": "DB_PASSWORD", "value": "hunter2"},
			}
			assert.NoError(t, unstructured.SetNestedSlice(o, containers, "spec", "template", "spec", "containers"))
		})
	}
	server, client := customServer(t)
	o := before()
	storeCustom(t, server, rolloutPath, o)
	ws, err := client.Get(t.Context(), namespace, []string{"ro/web"})
	require.NoError(t, err)
	assert.True(t, ws[0].ReplacesLists())
	r := replacing("app")
	former, err := r.Replaced(ws[0].Template())
	require.NoError(t, err)
	bound, _, err := client.Patch(t.Context(), ws[0], func(w *workload.Workload) error { return r.Add(w.Template()) }, false)
	require.NoError(t, err)
	assert.True(t, r.Present(bound.Template()))
	_, changed, err := client.Patch(t.Context(), bound, func(w *workload.Workload) error {
		workload.Restore(w.Template(), ours, former)
		return nil
	}, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, before().Object["spec"], o.Object["spec"], "as before")
}

func TestEntries_AreTheVariables(t *testing.T) {
	var printed struct{ Env []corev1.EnvVar }
	require.NoError(t, yaml.UnmarshalStrict([]byte(replacing("app").Entries()), &printed))
	assert.Equal(
		t,
		[]corev1.EnvVar{keyRef("DB_HOST", ours, "DB_HOST"), keyRef("DB_PASSWORD", ours, "DB_PASSWORD"), keyRef("DB_USER", ours, "DB_USER")},
		printed.Env,
	)
}
