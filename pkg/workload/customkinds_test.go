package workload_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const (
	rolloutPath = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"
	widgetPath  = "/apis/example.org/v1/namespaces/shop/widgets/web"
)

// custom returns an object of a kind that is not built in, with a pod template at spec.template that has a field of a later Kubernetes.
func custom(apiVersion, kind, name string, change func(map[string]any)) *unstructured.Unstructured {
	container := map[string]any{"name": "app", "image": "registry.example/app", "futureField": map[string]any{"n": int64(1)}}
	sidecar := map[string]any{"name": "sidecar", "image": "registry.example/sidecar", "futureField": "kept"}
	o := map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{"namespace": namespace, "name": name, "uid": "uid-1", "resourceVersion": "1", "generation": int64(1)},
		"spec": map[string]any{
			"template": map[string]any{"futureField": int64(7), "spec": map[string]any{"containers": []any{container, sidecar}}},
		},
	}
	if change != nil {
		change(o)
	}
	return &unstructured.Unstructured{Object: o}
}

// customServer returns a server that also serves Rollouts of Argo and Widgets, which are no known kind.
func customServer(t *testing.T) (*apiServer, *workload.Client) {
	t.Helper()
	server, client := newAPIServer(t)
	server.serveKind(
		"argoproj.io", "v1alpha1",
		metav1.APIResource{Name: "rollouts", Kind: "Rollout", Namespaced: true, ShortNames: []string{"ro"}},
	)
	server.serveKind("example.org", "v1", metav1.APIResource{Name: "widgets", Kind: "Widget", Namespaced: true})
	return server, client
}

// storeCustom serves one object and applies merge patches to it. It returns the patches.
func storeCustom(t *testing.T, server *apiServer, path string, o *unstructured.Unstructured) (patches *[]string) {
	t.Helper()
	patches = &[]string{}
	server.on("GET "+path, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, o.Object) })
	server.on("PATCH "+path, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/merge-patch+json", r.Header.Get("Content-Type"))
		assert.Equal(t, fieldManager, r.URL.Query().Get("fieldManager"))
		data := body(t, r)
		*patches = append(*patches, string(data))
		before, err := json.Marshal(o.Object)
		assert.NoError(t, err)
		assert.NoError(t, o.UnmarshalJSON(mergePatch(t, before, data)))
		writeJSON(w, http.StatusOK, o.Object)
	})
	return patches
}

// mergePatch applies a JSON merge patch (RFC 7386).
func mergePatch(t *testing.T, document, patch []byte) []byte {
	t.Helper()
	var apply func(target, change any) any
	apply = func(target, change any) any {
		changes, ok := change.(map[string]any)
		if !ok {
			return change
		}
		merged, ok := target.(map[string]any)
		if !ok {
			merged = map[string]any{}
		}
		for key, value := range changes {
			if value == nil {
				delete(merged, key)
				continue
			}
			merged[key] = apply(merged[key], value)
		}
		return merged
	}
	var before, change any
	require.NoError(t, json.Unmarshal(document, &before))
	require.NoError(t, json.Unmarshal(patch, &change))
	after, err := json.Marshal(apply(before, change))
	require.NoError(t, err)
	return after
}

func TestPatch_KeepsUnknownFieldsOfCustomKinds(t *testing.T) {
	server, client := customServer(t)
	o := custom("argoproj.io/v1alpha1", "Rollout", "web", nil)
	patches := storeCustom(t, server, rolloutPath, o)
	ws, err := client.Get(t.Context(), namespace, []string{"ro/web"})
	require.NoError(t, err)
	w := ws[0]
	assert.Equal(t, "rollout.argoproj.io/web", w.String())
	got, changed, err := client.Patch(t.Context(), w, addSecret("a"), false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, []string{"a"}, envFromSecrets(got.Template().Spec.Containers[0]))
	assert.JSONEq(t, `{"metadata":{"resourceVersion":"1"},"spec":{"template":{"spec":{"containers":[
		{"name":"app","image":"registry.example/app","futureField":{"n":1},"envFrom":[{"secretRef":{"name":"a"}}]},
		{"name":"sidecar","image":"registry.example/sidecar","futureField":"kept"}]}}}}`, (*patches)[0])
	_, changed, err = client.Patch(t.Context(), got, addSecret("a"), false)
	require.NoError(t, err)
	assert.False(t, changed)
	_, changed, err = client.Patch(t.Context(), got, func(w *workload.Workload) error {
		workload.RemoveReference(w.Template(), "a")
		return nil
	}, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, custom("argoproj.io/v1alpha1", "Rollout", "web", nil).Object["spec"], o.Object["spec"], "as before")
}

func TestLookupAll_FindsCustomKinds(t *testing.T) {
	server, client := customServer(t)
	server.on("GET "+rolloutPath, answer(custom("argoproj.io/v1alpha1", "Rollout", "web", nil)))
	bound := custom("example.org/v1", "Widget", "web", nil)
	bound.SetAnnotations(map[string]string{"pgbind.dev/template-path": "spec.template"})
	server.on("GET "+widgetPath, answer(bound))
	names := []string{"widget.example.org/web", "rollout.argoproj.io/web"}
	found := client.LookupAll(t.Context(), namespace, names)
	require.Len(t, found, 2)
	for n, name := range names {
		require.NoError(t, found[n].Err)
		require.NotNil(t, found[n].Workload, name)
		assert.Equal(t, name, found[n].Name)
		assert.True(t, found[n].Workload.HasTemplate(), name)
	}
}

func TestGet_ReturnsDeploymentOfRollout(t *testing.T) {
	server, client := customServer(t)
	refers := custom("argoproj.io/v1alpha1", "Rollout", "web", func(o map[string]any) {
		o["spec"] = map[string]any{"workloadRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "template"}}
	})
	server.on("GET "+rolloutPath, answer(refers))
	server.on("GET /apis/apps/v1/namespaces/shop/deployments/template", answer(deployment("template")))
	ws, err := client.Get(t.Context(), namespace, []string{"rollout/web"})
	require.NoError(t, err)
	assert.Equal(t, "deployment.apps/template", ws[0].String())
	assert.Equal(t, "kubectl argo rollouts status web -n shop", ws[0].StatusCommand(), "the Rollout has the Pods")

	t.Run("and its Pods", func(t *testing.T) {
		d := deployment("template")
		d.UID = "uid-deployment"
		server.on("GET /apis/apps/v1/namespaces/shop/deployments/template", answer(d))
		set := &appsv1.ReplicaSet{ObjectMeta: meta("set", ownedByUID("argoproj.io/v1alpha1", "Rollout", "web", "uid-1"))}
		set.UID = "uid-set"
		pod := &corev1.Pod{ObjectMeta: meta("pod", ownedByUID("apps/v1", "ReplicaSet", "set", "uid-set"))}
		server.on("GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(
				w,
				http.StatusOK,
				map[string]any{
					"apiVersion": "argoproj.io/v1alpha1",
					"kind":       "RolloutList",
					"metadata":   map[string]any{},
					"items":      []any{refers.Object},
				},
			)
		})
		server.on("GET /apis/apps/v1/namespaces/shop/replicasets", answer(&appsv1.ReplicaSetList{Items: []appsv1.ReplicaSet{*set}}))
		server.on("GET /api/v1/namespaces/shop/pods", answer(&corev1.PodList{Items: []corev1.Pod{*pod}}))
		ws, err := client.Get(t.Context(), namespace, []string{"rollout/web"})
		require.NoError(t, err)
		pods, err := client.Pods(t.Context(), ws[0])
		require.NoError(t, err)
		require.Len(t, pods, 1)
		assert.Equal(t, "pod", pods[0].Name)
	})
}

// ownedByUID returns a reference to a controller with a UID.
func ownedByUID(apiVersion, kind, name, uid string) metav1.OwnerReference {
	ref := ownedBy(apiVersion, kind, name)
	ref.UID = types.UID(uid)
	return ref
}

func TestUseTemplate(t *testing.T) {
	server, client := customServer(t)
	o := custom("example.org/v1", "Widget", "web", func(o map[string]any) {
		spec, _ := o["spec"].(map[string]any)
		o["spec"] = map[string]any{"job": spec, "template": spec["template"]}
	})
	patches := storeCustom(t, server, widgetPath, o)
	read := func() *workload.Workload {
		ws, err := client.Get(t.Context(), namespace, []string{"widget/web"})
		require.NoError(t, err)
		return ws[0]
	}
	w := read()
	assert.False(t, w.HasTemplate())
	require.ErrorContains(t, w.CheckTemplate(), "it has one at spec.template")
	require.ErrorContains(t, w.UseTemplate("spec.none"), "no pod template with containers")
	require.NoError(t, w.UseTemplate("spec.job.template"))

	bound, _, err := client.Patch(t.Context(), w, func(w *workload.Workload) error {
		w.SetAnnotation("binding.pgbind.dev/a", `{"id":"x"}`)
		return addSecret("a")(w)
	}, false)
	require.NoError(t, err)
	require.Len(t, *patches, 1)
	assert.True(t, bound.HasTemplate())
	again := read()
	assert.True(t, again.HasTemplate(), "a later command needs no flag")
	assert.True(t, workload.UsesSecret(&again.Template().Spec, "a"))
	require.Error(t, again.UseTemplate("spec.none"))

	_, _, err = client.Patch(t.Context(), again, func(w *workload.Workload) error {
		w.SetAnnotation("binding.pgbind.dev/a", "")
		workload.RemoveReference(w.Template(), "a")
		return nil
	}, false)
	require.NoError(t, err)
	assert.Empty(t, o.GetAnnotations(), "nothing is left")

	rollout := custom("argoproj.io/v1alpha1", "Rollout", "web", nil)
	server.on("GET "+rolloutPath, answer(rollout))
	ws, err := client.Get(t.Context(), namespace, []string{"rollout/web"})
	require.NoError(t, err)
	require.ErrorContains(t, ws[0].UseTemplate("spec.other"), `has its pod template at "spec.template"`)
	require.NoError(t, ws[0].UseTemplate("spec.template"))
}

func TestPods_FollowsOwnersOfUnknownKinds(t *testing.T) {
	server, client := customServer(t)
	server.on("GET "+widgetPath, answer(custom("example.org/v1", "Widget", "web", nil)))
	set := &appsv1.ReplicaSet{ObjectMeta: meta("set", ownedByUID("example.org/v1", "Widget", "web", "uid-1"))}
	server.on("GET /apis/apps/v1/namespaces/shop/replicasets/set", answer(set))
	pod := func(name, owner string) corev1.Pod {
		return corev1.Pod{ObjectMeta: meta(name, ownedByUID("apps/v1", "ReplicaSet", owner, "uid-"+owner))}
	}
	server.on("GET /apis/apps/v1/namespaces/shop/replicasets/gone", refuse(notFound("replicasets", "gone")))
	server.on(
		"GET /api/v1/namespaces/shop/pods",
		answer(&corev1.PodList{Items: []corev1.Pod{pod("one", "set"), pod("two", "set"), pod("other", "gone")}}),
	)
	ws, err := client.Get(t.Context(), namespace, []string{"widget/web"})
	require.NoError(t, err)
	pods, err := client.Pods(t.Context(), ws[0])
	require.NoError(t, err)
	require.Len(t, pods, 2)
	assert.Len(t, server.sent(), 4, "each owner is read once")
}

func TestUsers_ListsServedCustomKinds(t *testing.T) {
	server, client := customServer(t)
	for _, path := range []string{
		"/apis/apps/v1/namespaces/shop/deployments", "/apis/apps/v1/namespaces/shop/statefulsets", "/apis/apps/v1/namespaces/shop/daemonsets",
		"/apis/apps/v1/namespaces/shop/replicasets", "/api/v1/namespaces/shop/replicationcontrollers", "/apis/batch/v1/namespaces/shop/cronjobs",
		"/apis/batch/v1/namespaces/shop/jobs", "/api/v1/namespaces/shop/pods",
	} {
		server.on("GET "+path, answer(&corev1.PodList{}))
	}
	using := custom("argoproj.io/v1alpha1", "Rollout", "web", func(o map[string]any) {
		spec := []any{map[string]any{"name": "app", "envFrom": []any{map[string]any{"secretRef": map[string]any{"name": ours}}}}}
		_ = unstructured.SetNestedSlice(o, spec, "spec", "template", "spec", "containers")
	})
	server.on("GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(
			w,
			http.StatusOK,
			map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": map[string]any{},
				"items": []any{using.Object, custom("argoproj.io/v1alpha1", "Rollout", "other", nil).Object}},
		)
	})
	users, err := client.Users(t.Context(), namespace, ours)
	require.NoError(t, err)
	require.Len(t, users, 1)
	assert.Equal(t, "rollout.argoproj.io/web", users[0].String())
}
