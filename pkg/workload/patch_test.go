package workload_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const webPath = "/apis/apps/v1/namespaces/shop/deployments/web"

// store is a Deployment in an API server: a patch for another version than the current one is a conflict.
type store struct {
	t         *testing.T
	mu        sync.Mutex
	object    *appsv1.Deployment
	conflicts int // number of conflicts before a patch is accepted
	patches   []string
	dryRuns   int
	manager   string // of the patches; empty: the default
}

// serve registers the store's requests.
func (s *store) serve(server *apiServer) {
	server.on("GET "+webPath, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		writeJSON(w, http.StatusOK, withKind(s.object))
	})
	server.on("PATCH "+webPath, s.patch)
}

func (s *store) patch(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Equal(s.t, "application/strategic-merge-patch+json", r.Header.Get("Content-Type"))
	assert.Equal(s.t, cmp.Or(s.manager, fieldManager), r.URL.Query().Get("fieldManager"))
	data := body(s.t, r)
	s.patches = append(s.patches, string(data))
	locked := metav1.PartialObjectMetadata{}
	assert.NoError(s.t, json.Unmarshal(data, &locked))
	assert.NotEmpty(s.t, locked.ResourceVersion, "the patch contains the resource version")
	if s.conflicts > 0 || locked.ResourceVersion != s.object.ResourceVersion {
		s.conflicts--
		conflict := apierrors.NewConflict(
			schema.GroupResource{Group: "apps", Resource: "deployments"}, "web",
			errors.New("the object has been modified"),
		)
		writeStatus(w, conflict)
		return
	}
	before, err := json.Marshal(s.object)
	assert.NoError(s.t, err)
	after, err := strategicpatch.StrategicMergePatch(before, data, appsv1.Deployment{})
	assert.NoError(s.t, err)
	patched := &appsv1.Deployment{}
	assert.NoError(s.t, json.Unmarshal(after, patched))
	version, err := strconv.Atoi(s.object.ResourceVersion)
	assert.NoError(s.t, err)
	patched.ResourceVersion = strconv.Itoa(version + 1)
	if r.URL.Query().Get("dryRun") == metav1.DryRunAll {
		s.dryRuns++
	} else {
		s.object = patched
	}
	writeJSON(w, http.StatusOK, withKind(patched))
}

// secrets returns the Secrets in envFrom of the only container.
func (s *store) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return envFromSecrets(s.object.Spec.Template.Spec.Containers[0])
}

func envFromSecrets(c corev1.Container) []string {
	var names []string
	for _, e := range c.EnvFrom {
		names = append(names, e.SecretRef.Name)
	}
	return names
}

// addSecret returns a change that adds the Secret to the container "app".
func addSecret(name string) func(*workload.Workload) error {
	return func(w *workload.Workload) error {
		return workload.Reference{Secret: name, Inject: workload.InjectEnvFrom, Containers: []string{"app"}}.Add(w.Template())
	}
}

func newStore(t *testing.T) (*store, *workload.Client, *workload.Workload) {
	t.Helper()
	server, client := newAPIServer(t)
	s := &store{t: t, object: deployment("web")}
	s.serve(server)
	ws, err := client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.NoError(t, err)
	return s, client, ws[0]
}

func TestPatch_SendsDifferenceWithResourceVersion(t *testing.T) {
	s, client, w := newStore(t)
	got, changed, err := client.Patch(t.Context(), w, addSecret("postgresql-secret-2"), false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, []string{"postgresql-secret-2"}, s.secrets())
	assert.Equal(t, []string{"postgresql-secret-2"}, envFromSecrets(got.Template().Spec.Containers[0]))
	assert.Empty(t, w.Template().Spec.Containers[0].EnvFrom, "the passed workload stays unchanged")
	require.Len(t, s.patches, 1)
	assert.JSONEq(t, `{"metadata":{"resourceVersion":"1"},"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"app"}],
		"containers":[{"name":"app","envFrom":[{"secretRef":{"name":"postgresql-secret-2"}}]}]}}}}`, s.patches[0])
}

func TestPatch_SendsNothingWithoutChange(t *testing.T) {
	s, client, w := newStore(t)
	got, changed, err := client.Patch(t.Context(), w, func(*workload.Workload) error { return nil }, false)
	require.NoError(t, err)
	assert.False(t, changed)
	assert.Equal(t, w.UID(), got.UID())
	assert.Empty(t, s.patches)
}

func TestPatch_TakesOverFieldsOfFormerManager(t *testing.T) {
	former := metav1.ManagedFieldsEntry{
		Manager:   "kubectl-pgbind",
		Operation: metav1.ManagedFieldsOperationUpdate,
		FieldsV1:  metav1.NewFieldsV1(`{"f:spec":{}}`),
	}
	for name, change := range map[string]func(*workload.Workload) error{
		"with a change":    addSecret("a"),
		"without a change": func(*workload.Workload) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s, client, w := newStore(t)
			s.object.ManagedFields = []metav1.ManagedFieldsEntry{former}
			w, err := client.Reread(t.Context(), w)
			require.NoError(t, err)
			got, changed, err := client.Patch(t.Context(), w, change, false)
			require.NoError(t, err)
			assert.True(t, changed)
			require.Len(t, s.object.ManagedFields, 1)
			assert.Equal(t, fieldManager, s.object.ManagedFields[0].Manager)
			_, changed, err = client.Patch(t.Context(), got, change, false)
			require.NoError(t, err)
			assert.False(t, changed)
			assert.Len(t, s.patches, 1)
		})
	}
}

// TestPatch_WritesAsAnotherManager requires that a chosen manager also counts after a conflict and for the next patch.
func TestPatch_WritesAsAnotherManager(t *testing.T) {
	s, client, w := newStore(t)
	s.manager, s.conflicts = "ci", 1
	s.object.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "deploy", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)},
	}
	w, err := client.Reread(t.Context(), w)
	require.NoError(t, err)
	got, _, err := client.Patch(t.Context(), w.As("ci", "deploy"), addSecret("a"), false)
	require.NoError(t, err)
	require.Len(t, s.object.ManagedFields, 1)
	assert.Equal(t, "ci", s.object.ManagedFields[0].Manager)
	_, changed, err := client.Patch(t.Context(), got, addSecret("b"), false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Len(t, s.patches, 3)
}

func TestPatch_DryRunStoresNothing(t *testing.T) {
	s, client, w := newStore(t)
	got, changed, err := client.Patch(t.Context(), w, addSecret("a"), true)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, []string{"a"}, envFromSecrets(got.Template().Spec.Containers[0]))
	assert.Equal(t, 1, s.dryRuns)
	assert.Empty(t, s.secrets())
}

func TestPatch_RetriesConflicts(t *testing.T) {
	for _, tt := range []struct {
		conflicts int
		wantErr   bool
	}{{0, false}, {2, false}, {3, false}, {4, true}} {
		t.Run(strconv.Itoa(tt.conflicts), func(t *testing.T) {
			s, client, w := newStore(t)
			s.conflicts = tt.conflicts
			_, changed, err := client.Patch(t.Context(), w, addSecret("a"), false)
			assert.Equal(t, tt.wantErr, err != nil)
			assert.Equal(t, tt.wantErr, apierrors.IsConflict(err))
			assert.Equal(t, !tt.wantErr, changed)
			assert.Len(t, s.patches, min(tt.conflicts+1, 4))
		})
	}
}

func TestPatch_KeepsChangesOfOtherWriters(t *testing.T) {
	s, client, w := newStore(t)
	_, _, err := client.Patch(t.Context(), w, addSecret("theirs"), false)
	require.NoError(t, err)
	_, _, err = client.Patch(t.Context(), w, addSecret("ours"), false)
	require.NoError(t, err)
	assert.Equal(t, []string{"theirs", "ours"}, s.secrets())
	_, changed, err := client.Patch(t.Context(), w, func(w *workload.Workload) error {
		workload.RemoveReference(w.Template(), "theirs")
		return nil
	}, false)
	require.NoError(t, err)
	assert.False(t, changed, "the passed version has nothing to remove")

	ws, err := client.Get(t.Context(), namespace, []string{"deploy/web"})
	require.NoError(t, err)
	_, changed, err = client.Patch(t.Context(), ws[0], func(w *workload.Workload) error {
		workload.RemoveReference(w.Template(), "theirs")
		return nil
	}, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, []string{"ours"}, s.secrets())
}

func TestPatch_ConvergesForSameChange(t *testing.T) {
	s, client, w := newStore(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, _, err := client.Patch(t.Context(), w, addSecret("postgresql-secret-2"), false)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, []string{"postgresql-secret-2"}, s.secrets())
}

func TestPatch_Stops(t *testing.T) {
	t.Run("if the change fails", func(t *testing.T) {
		s, client, w := newStore(t)
		refused := errors.New("refused")
		_, changed, err := client.Patch(t.Context(), w, func(*workload.Workload) error { return refused }, false)
		require.ErrorIs(t, err, refused)
		assert.False(t, changed)
		assert.Empty(t, s.patches)
	})
	t.Run("if the object was recreated", func(t *testing.T) {
		s, client, w := newStore(t)
		s.object.UID, s.object.ResourceVersion = "uid-2", "7"
		_, _, err := client.Patch(t.Context(), w, addSecret("a"), false)
		require.ErrorContains(t, err, "deleted and created again")
		assert.Empty(t, s.secrets())
	})
	t.Run("if the context ends", func(t *testing.T) {
		s, client, w := newStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := client.Patch(ctx, w, addSecret("a"), false)
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, s.patches)
	})
	t.Run("at a Pod", func(t *testing.T) {
		server, client := newAPIServer(t)
		server.on("GET /api/v1/namespaces/shop/pods/one", answer(&corev1.Pod{ObjectMeta: meta("one"), Spec: template("app").Spec}))
		ws, err := client.Get(t.Context(), namespace, []string{"pod/one"})
		require.NoError(t, err)
		_, _, err = client.Patch(t.Context(), ws[0], addSecret("a"), false)
		assert.ErrorContains(t, err, "--recreate")
	})
}

func TestPatch_ReportsTimeout(t *testing.T) {
	for conflicts := range 2 {
		s, client, w := newStore(t)
		s.conflicts = conflicts
		calls := 0
		_, _, err := client.Patch(t.Context(), w, func(w *workload.Workload) error {
			if calls++; calls > conflicts {
				return context.DeadlineExceeded // as with --request-timeout
			}
			return addSecret("db")(w)
		}, false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

func TestPatch_PatchesEveryKind(t *testing.T) {
	rcTemplate := template("app")
	cron := batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}
	patchOf := func(path string) string {
		inner := `{"spec":{"$setElementOrder/containers":[{"name":"app"}],"containers":[{"name":"app","envFrom":[{"secretRef":{"name":"a"}}]}]}}`
		return `{"metadata":{"resourceVersion":"1"},"spec":` + strings.ReplaceAll(path, "TEMPLATE", inner) + `}`
	}
	plain := patchOf(`{"template":TEMPLATE}`)
	for path, tt := range map[string]struct {
		object runtime.Object
		want   string
	}{
		"/apis/apps/v1/namespaces/shop/deployments/x":      {deployment("x"), plain},
		"/apis/apps/v1/namespaces/shop/statefulsets/x":     {&appsv1.StatefulSet{ObjectMeta: meta("x"), Spec: appsv1.StatefulSetSpec{Template: template("app")}}, plain},
		"/apis/apps/v1/namespaces/shop/daemonsets/x":       {&appsv1.DaemonSet{ObjectMeta: meta("x"), Spec: appsv1.DaemonSetSpec{Template: template("app")}}, plain},
		"/apis/apps/v1/namespaces/shop/replicasets/x":      {&appsv1.ReplicaSet{ObjectMeta: meta("x"), Spec: appsv1.ReplicaSetSpec{Template: template("app")}}, plain},
		"/api/v1/namespaces/shop/replicationcontrollers/x": {&corev1.ReplicationController{ObjectMeta: meta("x"), Spec: corev1.ReplicationControllerSpec{Template: &rcTemplate}}, plain},
		"/apis/batch/v1/namespaces/shop/cronjobs/x":        {&batchv1.CronJob{ObjectMeta: meta("x"), Spec: batchv1.CronJobSpec{JobTemplate: cron}}, patchOf(`{"jobTemplate":{"spec":{"template":TEMPLATE}}}`)},
	} {
		t.Run(path, func(t *testing.T) {
			server, client := newAPIServer(t)
			server.on("GET "+path, answer(tt.object))
			server.on("PATCH "+path, func(w http.ResponseWriter, r *http.Request) {
				assert.JSONEq(t, tt.want, string(body(t, r)))
				writeJSON(w, http.StatusOK, withKind(tt.object))
			})
			resource := strings.Split(path, "/")
			ws, err := client.Get(t.Context(), namespace, []string{resource[len(resource)-2] + "/x"})
			require.NoError(t, err)
			_, changed, err := client.Patch(t.Context(), ws[0], addSecret("a"), false)
			require.NoError(t, err)
			assert.True(t, changed)
			assert.Len(t, server.sent(), 2)
		})
	}
}

func TestPatchBytes_OmitResourceVersion(t *testing.T) {
	_, _, w := newStore(t)
	changed := w.DeepCopy()
	require.NoError(t, addSecret("a")(changed))
	changed.SetAnnotation("pgbind.dev/bindings", "x")
	patch, err := workload.PatchBytes(w, changed)
	require.NoError(t, err)
	assert.NotContains(t, string(patch), "resourceVersion")
	assert.Contains(t, string(patch), `"annotations":{"pgbind.dev/bindings":"x"}`)
	changed.SetAnnotation("pgbind.dev/bindings", "")
	workload.RemoveReference(changed.Template(), "a")
	patch, err = workload.PatchBytes(w, changed)
	require.NoError(t, err)
	assert.Nil(t, patch, "nothing is left after the change is reverted")
}
