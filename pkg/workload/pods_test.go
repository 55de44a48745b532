package workload_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const podsPath = "/api/v1/namespaces/shop/pods"

// controlled returns the metadata of an object with a UID of its own and a controller.
func controlled(name string, controller types.UID) metav1.ObjectMeta {
	yes := true
	m := meta(name)
	m.UID = types.UID("uid-" + name)
	m.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "x", UID: controller, Controller: &yes}}
	return m
}

// runningPod returns a ready Pod, with or without the reference to the Secret.
func runningPod(name string, controller types.UID, bound bool) corev1.Pod {
	tpl := template("app")
	if bound {
		tpl.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours)}
	}
	pod := corev1.Pod{ObjectMeta: controlled(name, controller), Spec: tpl.Spec}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return pod
}

func podNamesOf(pods []*corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	return names
}

func TestPods_ReturnsControlledPods(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	d := deployment("web")
	d.Spec.Selector = selector
	sts := &appsv1.StatefulSet{ObjectMeta: meta("web"), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template("app")}}
	cron := &batchv1.CronJob{
		ObjectMeta: meta("web"),
		Spec:       batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}},
	}
	ended := runningPod("ended", "uid-1", false)
	ended.Status.Phase = corev1.PodSucceeded
	pods := &corev1.PodList{Items: []corev1.Pod{
		runningPod("direct", "uid-1", false), runningPod("through", "uid-child", false), runningPod("foreign", "uid-9", false), ended,
		{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bare", UID: "uid-bare"}},
	}}
	replicaSets := &appsv1.ReplicaSetList{
		Items: []appsv1.ReplicaSet{{ObjectMeta: controlled("child", "uid-1")}, {ObjectMeta: controlled("stranger", "uid-9")}},
	}
	jobs := &batchv1.JobList{Items: []batchv1.Job{{ObjectMeta: controlled("child", "uid-1")}}}
	for name, tt := range map[string]struct {
		path, arg, selector string
		object              runtime.Object
		want                []string
	}{
		"Deployment":  {webPath, "deploy/web", "app=web", d, []string{"direct", "through"}},
		"StatefulSet": {"/apis/apps/v1/namespaces/shop/statefulsets/web", "sts/web", "app=web", sts, []string{"direct"}},
		"CronJob":     {"/apis/batch/v1/namespaces/shop/cronjobs/web", "cj/web", "job-name", cron, []string{"direct", "through"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := newAPIServer(t)
			server.on("GET "+tt.path, answer(tt.object))
			server.on("GET /apis/apps/v1/namespaces/shop/replicasets", answer(replicaSets))
			server.on("GET /apis/batch/v1/namespaces/shop/jobs", answer(jobs))
			server.on("GET "+podsPath, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, tt.selector, r.URL.Query().Get("labelSelector"))
				writeJSON(w, http.StatusOK, withKind(pods))
			})
			ws, err := client.Get(t.Context(), namespace, []string{tt.arg})
			require.NoError(t, err)
			got, err := client.Pods(t.Context(), ws[0])
			require.NoError(t, err)
			assert.Equal(t, tt.want, podNamesOf(got))
		})
	}
}

// replicaSet returns a bound ReplicaSet with two replicas.
func replicaSet() *appsv1.ReplicaSet {
	tpl := template("app")
	tpl.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours)}
	tpl.Annotations = map[string]string{secret.GenerationAnnotation(ours): "1", "prometheus.io/port": "8080"}
	return &appsv1.ReplicaSet{ObjectMeta: meta("rs"), Spec: appsv1.ReplicaSetSpec{Template: tpl}}
}

// podServer serves the Pods of a ReplicaSet. It creates a new Pod for each deleted one.
type podServer struct {
	t         *testing.T
	mu        sync.Mutex
	pods      []corev1.Pod
	deleted   []string
	unhealthy bool // the new Pods do not become ready
}

// serve registers the requests for the ReplicaSet "rs" and its Pods.
func (s *podServer) serve(server *apiServer) {
	server.on("GET /apis/apps/v1/namespaces/shop/replicasets/rs", answer(replicaSet()))
	server.on("GET "+podsPath, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		writeJSON(w, http.StatusOK, withKind(&corev1.PodList{Items: s.pods}))
	})
	for _, pod := range s.pods {
		server.on("DELETE "+podsPath+"/"+pod.Name, s.delete)
	}
}

func (s *podServer) delete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	options := &metav1.DeleteOptions{}
	decode(s.t, r, options)
	assert.Equal(s.t, metav1.NewUIDPreconditions("uid-"+name), options.Preconditions)
	s.deleted = append(s.deleted, name)
	for i := range s.pods {
		if s.pods[i].Name == name {
			s.pods[i] = runningPod("new-"+name, "uid-1", true)
			s.pods[i].Annotations = map[string]string{secret.GenerationAnnotation(ours): "1", "prometheus.io/port": "15020"}
			if s.unhealthy {
				s.pods[i].Status.Conditions = nil
			}
		}
	}
	writeJSON(w, http.StatusOK, withKind(&metav1.Status{Status: metav1.StatusSuccess}))
}

// newPodServer starts a server with two Pods without the reference and one with it.
func newPodServer(t *testing.T) (*podServer, *workload.Client, *workload.Workload) {
	t.Helper()
	server, client := newAPIServer(t)
	fresh := runningPod("fresh", "uid-1", true)
	fresh.Annotations = map[string]string{secret.GenerationAnnotation(ours): "1"}
	s := &podServer{t: t, pods: []corev1.Pod{runningPod("a", "uid-1", false), runningPod("b", "uid-1", true), fresh}}
	s.serve(server)
	ws, err := client.Get(t.Context(), namespace, []string{"rs/rs"})
	require.NoError(t, err)
	return s, client, ws[0]
}

func TestRestart_ReplacesOutdatedPodsOneByOne(t *testing.T) {
	s, client, w := newPodServer(t)
	outdated, err := client.OutdatedPods(t.Context(), w, ours)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, podNamesOf(outdated), "a has no reference, b no generation")
	var lines []string
	require.NoError(t, client.Restart(t.Context(), w, ours, func(line string) { lines = append(lines, line) }))
	assert.Equal(t, []string{"a", "b"}, s.deleted)
	assert.Equal(t, []string{`Replacing pod "a" of replicaset.apps/rs...`, `Replacing pod "b" of replicaset.apps/rs...`}, lines)
	require.NoError(t, client.Restart(t.Context(), w, ours, nil), "a second restart has nothing to do")
	require.NoError(t, client.WaitOutdatedGone(t.Context(), w, ours, nil))
}

func TestRestart_StopsIfNewPodIsNotReady(t *testing.T) {
	s, client, w := newPodServer(t)
	s.unhealthy = true
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("time is up"))
	defer cancel()
	err := client.Restart(ctx, w, ours, func(string) {})
	require.ErrorContains(t, err, "replace pod/a of replicaset.apps/rs in namespace shop: its replacement is not ready: time is up")
	assert.Equal(t, []string{"a"}, s.deleted)
}

func TestWaitOutdatedGone_NamesRemainingPods(t *testing.T) {
	s, client, w := newPodServer(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, errors.New("time is up"))
	defer cancel()
	var lines []string
	err := client.WaitOutdatedGone(ctx, w, ours, func(line string) { lines = append(lines, line) })
	require.ErrorContains(t, err, "wait for Pods and Jobs with the former credentials to end (pod/a, pod/b): time is up")
	assert.Equal(
		t,
		[]string{"Waiting for Pods and Jobs with the former credentials to end (at most 1s more): pod/a, pod/b"},
		lines,
		"reported once",
	)
	assert.Empty(t, s.deleted)
}

func TestUsers_ReturnsReadableWorkloads(t *testing.T) {
	bound := template("app")
	bound.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours)}
	bare := runningPod("bare", "", true)
	bare.OwnerReferences = nil
	byOperator := runningPod("operated", "uid-7", true)
	byOperator.OwnerReferences[0].APIVersion, byOperator.OwnerReferences[0].Kind = "example.com/v1", "Cluster"
	lists := map[string]runtime.Object{
		"/apis/apps/v1/namespaces/shop/deployments": &appsv1.DeploymentList{Items: []appsv1.Deployment{
			{ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{Template: bound}}, *deployment("other")}},
		"/apis/apps/v1/namespaces/shop/statefulsets": &appsv1.StatefulSetList{},
		"/apis/apps/v1/namespaces/shop/daemonsets":   &appsv1.DaemonSetList{},
		"/apis/apps/v1/namespaces/shop/replicasets": &appsv1.ReplicaSetList{
			Items: []appsv1.ReplicaSet{
				{ObjectMeta: meta("web-1", ownedBy("apps/v1", "Deployment", "web")), Spec: appsv1.ReplicaSetSpec{Template: bound}},
			},
		},
		"/api/v1/namespaces/shop/replicationcontrollers": &corev1.ReplicationControllerList{},
		"/apis/batch/v1/namespaces/shop/cronjobs":        &batchv1.CronJobList{},
		"/apis/batch/v1/namespaces/shop/jobs": &batchv1.JobList{
			Items: []batchv1.Job{{ObjectMeta: meta("once"), Spec: batchv1.JobSpec{Template: bound}}},
		},
		podsPath: &corev1.PodList{
			Items: []corev1.Pod{bare, byOperator, runningPod("web-1-x", "uid-1", true)},
		},
	}
	server, client := newAPIServer(t)
	for path, list := range lists {
		server.on("GET "+path, answer(list))
	}
	users, err := client.Users(t.Context(), namespace, ours)
	require.NoError(t, err)
	var names []string
	for _, w := range users {
		names = append(names, w.String())
	}
	assert.Equal(t, []string{"deployment.apps/web", "job.batch/once", "pod/bare", "pod/operated"}, names)

	server.on(
		"GET /apis/apps/v1/namespaces/shop/daemonsets",
		refuse(apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "daemonsets"}, "", nil)),
	)
	users, err = client.Users(t.Context(), namespace, ours)
	assert.True(t, apierrors.IsForbidden(err))
	assert.Len(t, users, 4, "the workloads that could be read")
	var unlisted *workload.UnlistedError
	require.ErrorAs(t, err, &unlisted)

	server.on("GET /apis/apps/v1/namespaces/shop/daemonsets", refuse(apierrors.NewInternalError(errors.New("for a moment"))))
	users, err = client.Users(t.Context(), namespace, ours)
	require.ErrorContains(t, err, "for a moment")
	require.NotErrorAs(t, err, &unlisted)
	assert.Empty(t, users)
}
