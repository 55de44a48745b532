package workload_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const deployments = "/apis/apps/v1/namespaces/shop/deployments"

// rolling returns a Deployment with two replicas during its rollout.
func rolling(generation int64, updated, available int32) *appsv1.Deployment {
	d := deployment("web")
	replicas := int32(2)
	d.Generation, d.Spec.Replicas = generation, &replicas
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: generation, Replicas: 2, UpdatedReplicas: updated, AvailableReplicas: available}
	return d
}

// watched returns a handler for a watch. It sends the objects one after the other, the first as the initial state.
func watched(t *testing.T, events ...runtime.Object) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "metadata.name=web", r.URL.Query().Get("fieldSelector"))
		if !assert.NotEmpty(t, r.URL.Query().Get("watch")) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		send := func(kind watch.EventType, obj runtime.Object) {
			_ = json.NewEncoder(w).Encode(map[string]any{"type": kind, "object": withKind(obj)})
			w.(http.Flusher).Flush()
		}
		send(watch.Added, events[0])
		bookmark := events[0].DeepCopyObject()
		bookmark.(metav1.Object).SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		send(watch.Bookmark, bookmark)
		for _, obj := range events[1:] {
			if _, deleted := obj.(*metav1.Status); deleted {
				send(watch.Deleted, events[0])
				continue
			}
			send(watch.Modified, obj)
			time.Sleep(50 * time.Millisecond)
		}
		<-r.Context().Done()
	}
}

// follow reads deployment/web in the given state and follows its rollout.
func follow(t *testing.T, state *appsv1.Deployment, list http.HandlerFunc) ([]string, error) {
	t.Helper()
	server, client := newAPIServer(t)
	server.on("GET "+webPath, answer(state))
	server.on("GET "+deployments, list)
	ws, err := client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, errors.New("time is up"))
	defer cancel()
	var lines []string
	err = client.WaitRollout(ctx, ws[0], func(line string) { lines = append(lines, line) })
	return lines, err
}

func TestWaitRollout_ReportsEachLineOnce(t *testing.T) {
	lines, err := follow(t, rolling(2, 0, 2), watched(t, rolling(2, 1, 2), rolling(2, 1, 2), rolling(2, 2, 1), rolling(2, 2, 2)))
	require.NoError(t, err)
	assert.Equal(t, []string{
		`Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...`,
		`Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...`,
		`deployment "web" successfully rolled out`,
	}, lines)
}

func TestWaitRollout_IgnoresOlderState(t *testing.T) {
	lines, err := follow(t, rolling(2, 0, 2), watched(t, rolling(1, 2, 2), rolling(2, 2, 2)))
	require.NoError(t, err)
	assert.Equal(t, []string{`deployment "web" successfully rolled out`}, lines)
}

func TestWaitRollout_Fails(t *testing.T) {
	late := rolling(2, 1, 1)
	late.Status.Conditions = []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"},
	}
	another := rolling(2, 2, 2)
	another.UID = "uid-2"
	for name, tt := range map[string]struct {
		list http.HandlerFunc
		want string
	}{
		"progress deadline": {watched(t, late), "exceeded its progress deadline"},
		"deleted":           {watched(t, rolling(2, 1, 1), &metav1.Status{}), "it was deleted"},
		"recreated":         {watched(t, another), "it was deleted"},
		"unauthorized":      {refuse(apierrors.NewUnauthorized("who are you")), "who are you"},
		"timeout":           {watched(t, rolling(2, 1, 1)), "time is up"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := follow(t, rolling(2, 0, 2), tt.list)
			require.ErrorContains(t, err, "follow the rollout of deployment.apps/web in namespace shop")
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestWaitRollout_PollsIfWatchIsForbidden(t *testing.T) {
	server, client := newAPIServer(t)
	server.on("GET "+deployments, refuse(apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "", nil)))
	states := []*appsv1.Deployment{rolling(2, 0, 2), rolling(2, 1, 1), rolling(2, 2, 2)}
	server.on("GET "+webPath, func(w http.ResponseWriter, r *http.Request) {
		answer(states[0])(w, r)
		states = states[min(1, len(states)-1):]
	})
	ws, err := client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.NoError(t, err)
	var lines []string
	require.NoError(t, client.WaitRollout(t.Context(), ws[0], func(line string) { lines = append(lines, line) }))
	assert.Equal(t, `deployment "web" successfully rolled out`, lines[len(lines)-1])
	assert.Len(t, lines, 2)
}

func TestWaitRollout_ReturnsIfNothingToFollow(t *testing.T) {
	paused := rolling(2, 0, 2)
	paused.Spec.Paused = true
	lines, err := follow(t, paused, refuse(notFound("deployments", "web")))
	require.NoError(t, err)
	assert.Empty(t, lines)
}

func TestWaitRollout_WaitsForReadyPod(t *testing.T) {
	pod := func(phase corev1.PodPhase, ready corev1.ConditionStatus) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: meta("web"), Spec: template("app").Spec}
		p.Status.Phase = phase
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
		return p
	}
	for name, tt := range map[string]struct {
		last *corev1.Pod
		line string
		err  string
	}{
		"ready":  {pod(corev1.PodRunning, corev1.ConditionTrue), `pod "web" is ready`, ""},
		"ended":  {pod(corev1.PodSucceeded, corev1.ConditionFalse), `pod "web" completed`, ""},
		"failed": {pod(corev1.PodFailed, corev1.ConditionFalse), "", "kubectl logs web --namespace shop"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := newAPIServer(t)
			first := pod(corev1.PodPending, corev1.ConditionFalse)
			server.on("GET "+podPath, answer(first))
			server.on("GET "+podsPath, watched(t, first, tt.last))
			ws, err := client.Get(t.Context(), namespace, []string{"pod/web"})
			require.NoError(t, err)
			var lines []string
			err = client.WaitRollout(t.Context(), ws[0], func(line string) { lines = append(lines, line) })
			want := []string{`Waiting for pod "web" to be ready...`}
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
			} else {
				require.NoError(t, err)
				want = append(want, tt.line)
			}
			assert.Equal(t, want, lines)
		})
	}
}

func TestRollout_ReportsKindAndMessage(t *testing.T) {
	yes := true
	onDelete := appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}
	two := int32(2)
	partitioned := appsv1.StatefulSetUpdateStrategy{
		Type:          appsv1.RollingUpdateStatefulSetStrategyType,
		RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &two},
	}
	rcTemplate := template("app")
	cron := batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}
	for name, tt := range map[string]struct {
		arg     string
		object  runtime.Object
		want    workload.RolloutKind
		message string
	}{
		"Deployment":             {"deployments", deployment("x"), workload.Followed, ""},
		"paused Deployment":      {"deployments", &appsv1.Deployment{ObjectMeta: meta("x"), Spec: appsv1.DeploymentSpec{Paused: true, Template: template("app")}}, workload.Paused, "kubectl rollout resume deployment.apps/x --namespace shop"},
		"StatefulSet":            {"statefulsets", &appsv1.StatefulSet{ObjectMeta: meta("x"), Spec: appsv1.StatefulSetSpec{Template: template("app")}}, workload.Followed, ""},
		"StatefulSet OnDelete":   {"statefulsets", &appsv1.StatefulSet{ObjectMeta: meta("x"), Spec: appsv1.StatefulSetSpec{UpdateStrategy: onDelete}}, workload.ReplacePods, "--restart"},
		"StatefulSet, partition": {"statefulsets", &appsv1.StatefulSet{ObjectMeta: meta("x"), Spec: appsv1.StatefulSetSpec{UpdateStrategy: partitioned}}, workload.Paused, "with the ordinal 2 or higher"},
		"DaemonSet":              {"daemonsets", &appsv1.DaemonSet{ObjectMeta: meta("x")}, workload.Followed, ""},
		"DaemonSet OnDelete":     {"daemonsets", &appsv1.DaemonSet{ObjectMeta: meta("x"), Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}}}, workload.ReplacePods, "OnDelete"},
		"ReplicaSet":             {"replicasets", &appsv1.ReplicaSet{ObjectMeta: meta("x")}, workload.ReplacePods, "does not replace its Pods"},
		"ReplicationController":  {"replicationcontrollers", &corev1.ReplicationController{ObjectMeta: meta("x"), Spec: corev1.ReplicationControllerSpec{Template: &rcTemplate}}, workload.ReplacePods, "--restart"},
		"CronJob":                {"cronjobs", &batchv1.CronJob{ObjectMeta: meta("x"), Spec: batchv1.CronJobSpec{Schedule: "1 2 * * *", JobTemplate: cron}}, workload.NextRun, `schedule "1 2 * * *"`},
		"suspended CronJob":      {"cronjobs", &batchv1.CronJob{ObjectMeta: meta("x"), Spec: batchv1.CronJobSpec{Suspend: &yes, JobTemplate: cron}}, workload.NextRun, "suspended"},
		"Pod":                    {"pods", &corev1.Pod{ObjectMeta: meta("x")}, workload.Followed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := newAPIServer(t)
			gvks, _, err := scheme.Scheme.ObjectKinds(tt.object)
			require.NoError(t, err)
			prefix := "/apis/" + gvks[0].GroupVersion().String()
			if gvks[0].Group == "" {
				prefix = "/api/v1"
			}
			server.on("GET "+prefix+"/namespaces/shop/"+tt.arg+"/x", answer(tt.object))
			ws, err := client.Get(t.Context(), namespace, []string{tt.arg + "/x"})
			require.NoError(t, err)
			got := ws[0].Rollout()
			assert.Equal(t, tt.want, got.Kind)
			assert.Contains(t, got.Message, tt.message)
			assert.Equal(t, tt.want == workload.Followed, got.Message == "")
		})
	}
}

// TestWaitRollout_FollowsRolloutOfDeployment names a Deployment without Pods, to which a Rollout of Argo refers.
func TestWaitRollout_FollowsRolloutOfDeployment(t *testing.T) {
	server, client := customServer(t)
	d := rolling(2, 0, 0)
	*d.Spec.Replicas = 0
	server.on("GET "+webPath, answer(d))
	refers := func(observed string) *unstructured.Unstructured {
		return custom("argoproj.io/v1alpha1", "Rollout", "web", func(o map[string]any) {
			o["spec"] = map[string]any{"workloadRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
			o["status"] = map[string]any{"observedGeneration": "1", "workloadObservedGeneration": observed, "phase": "Healthy"}
		})
	}
	server.on("GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") != "" {
			watched(t, refers("1"), refers("2"))(w, r)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "RolloutList", "metadata": map[string]any{}, "items": []any{refers("1").Object},
		})
	})
	ws, err := client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.NoError(t, err)
	var lines []string
	require.NoError(t, client.WaitRollout(t.Context(), ws[0], func(line string) { lines = append(lines, line) }))
	assert.Equal(t, []string{
		"Waiting for the controller to observe the change of deployment.apps/web...",
		`rollout "web" successfully rolled out`,
	}, lines)
}
