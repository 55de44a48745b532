package workload_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

func TestGet_ReadsEveryKindByEveryName(t *testing.T) {
	rcTemplate := template("app")
	objects := map[string]runtime.Object{
		"/apis/apps/v1/namespaces/shop/deployments/web": deployment("web"),
		"/apis/apps/v1/namespaces/shop/statefulsets/db": &appsv1.StatefulSet{
			ObjectMeta: meta("db"),
			Spec:       appsv1.StatefulSetSpec{Template: template("app")},
		},
		"/apis/apps/v1/namespaces/shop/daemonsets/agent": &appsv1.DaemonSet{
			ObjectMeta: meta("agent"),
			Spec:       appsv1.DaemonSetSpec{Template: template("app")},
		},
		"/apis/apps/v1/namespaces/shop/replicasets/rs": &appsv1.ReplicaSet{
			ObjectMeta: meta("rs"),
			Spec:       appsv1.ReplicaSetSpec{Template: template("app")},
		},
		"/api/v1/namespaces/shop/replicationcontrollers/rc": &corev1.ReplicationController{
			ObjectMeta: meta("rc"),
			Spec:       corev1.ReplicationControllerSpec{Template: &rcTemplate},
		},
		"/apis/batch/v1/namespaces/shop/cronjobs/nightly": &batchv1.CronJob{ObjectMeta: meta("nightly"), Spec: batchv1.CronJobSpec{
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("app")}}}},
		"/api/v1/namespaces/shop/pods/one": &corev1.Pod{ObjectMeta: meta("one"), Spec: template("app").Spec},
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"deployment/web"}, []string{"deployment.apps/web"}},
		{[]string{"deploy/web"}, []string{"deployment.apps/web"}},
		{[]string{"deployments.apps/web"}, []string{"deployment.apps/web"}},
		{[]string{"deployment", "web"}, []string{"deployment.apps/web"}},
		{[]string{"sts/db", "ds/agent"}, []string{"statefulset.apps/db", "daemonset.apps/agent"}},
		{[]string{"rs", "rs"}, []string{"replicaset.apps/rs"}},
		{[]string{"rc/rc", "cj/nightly"}, []string{"replicationcontroller/rc", "cronjob.batch/nightly"}},
		{[]string{"pod/one"}, []string{"pod/one"}},
		{[]string{"deploy/web", "deployment/web"}, []string{"deployment.apps/web"}},
	} {
		t.Run(tt.want[0], func(t *testing.T) {
			server, client := newAPIServer(t)
			for path, obj := range objects {
				server.on("GET "+path, answer(obj))
			}
			got, err := client.Get(t.Context(), namespace, tt.args)
			require.NoError(t, err)
			var names []string
			for _, w := range got {
				names = append(names, w.String())
				assert.Equal(t, "app", w.Template().Spec.Containers[0].Name)
				assert.Equal(t, w.Kind(), w.Object().GetObjectKind().GroupVersionKind())
				assert.Equal(t, namespace, w.Namespace())
			}
			assert.Equal(t, tt.want, names)
			assert.Len(t, server.sent(), len(tt.want), "Get sends one request for each workload")
		})
	}
}

func TestGet_SkipsDiscoveryOfBuiltInKinds(t *testing.T) {
	server, client := newAPIServer(t)
	server.on("GET /apis/apps/v1/namespaces/shop/deployments/web", answer(deployment("web")))
	for _, arg := range []string{"deployment/web", "deploy/web", "Deployments.apps/web"} {
		_, err := client.Get(t.Context(), namespace, []string{arg})
		require.NoError(t, err)
		assert.Zero(t, server.explored)
	}
	_, err := client.Get(t.Context(), namespace, []string{"deployments.v1.apps/web"})
	require.NoError(t, err)
	assert.NotZero(t, server.explored, "a kind that is not built in needs discovery")
	for _, arg := range []string{"deployment/web/x", "deployment/", "deployment,statefulset/web"} {
		_, err := client.Get(t.Context(), namespace, []string{arg})
		require.Error(t, err, arg)
	}
}

func TestGet_RejectsUnbindable(t *testing.T) {
	job := func(name string) *batchv1.Job {
		return &batchv1.Job{ObjectMeta: meta(name), Spec: batchv1.JobSpec{Template: template("app")}}
	}
	owned := job("nightly-1")
	owned.OwnerReferences = append(owned.OwnerReferences, ownedBy("batch/v1", "CronJob", "nightly"))
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "workload required"},
		{[]string{"deployment"}, "use deployment/NAME"},
		{[]string{"deployment/web", "deployment"}, "TYPE"},
		{[]string{"nonsense/web"}, `the server doesn't have a resource type "nonsense"`},
		{[]string{"deploment/web"}, `the server doesn't have a resource type "deploment": did you mean deployment/web?`},
		{[]string{"statefullset", "db"}, "did you mean statefulset/db?"},
		{[]string{"deployment/web", "deply/api"}, "did you mean deployment/api?"},
		{[]string{""}, "the workload is empty"},
		{[]string{"deployment", ""}, "an argument is empty"},
		{[]string{"deployment/"}, "use deployment/NAME"},
		{[]string{"/web"}, "did you mean deployment/web?"},
		{[]string{"deployment/web/x"}, `"deployment/web/x" is not in the form TYPE/NAME`},
		{[]string{"deploment"}, "did you mean deployment/NAME?"},
		{[]string{"node/n1"}, "node/n1 is not in a namespace"},
		{[]string{"job/once"}, "create it again"},
		{[]string{"job/nightly-1"}, "bind its owner cronjob.batch/nightly instead"},
		{[]string{"rc/empty"}, "has no pod template"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			server, client := newAPIServer(t)
			server.on("GET /apis/batch/v1/namespaces/shop/jobs/once", answer(job("once")))
			server.on("GET /apis/batch/v1/namespaces/shop/jobs/nightly-1", answer(owned))
			server.on(
				"GET /api/v1/namespaces/shop/replicationcontrollers/empty",
				answer(&corev1.ReplicationController{ObjectMeta: meta("empty")}),
			)
			_, err := client.Get(t.Context(), namespace, tt.args)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestGet_WrapsAPIErrors(t *testing.T) {
	server, client := newAPIServer(t)
	server.on("GET /apis/apps/v1/namespaces/shop/deployments/web", refuse(notFound("deployments", "web")))
	_, err := client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.EqualError(t, err, "deployment.apps/web not found in namespace shop")
	assert.True(t, apierrors.IsNotFound(err))
	server.on("GET /apis/apps/v1/namespaces/shop/deployments/web", refuse(notFound("namespaces", "shop")))
	_, err = client.Get(t.Context(), namespace, []string{"deployment/web"})
	require.ErrorContains(t, err, `read deployment.apps/web in namespace shop: namespaces "shop" not found`)
}

// TestSelected_ListsTheWorkloadsOfAType expects that the API server selects, and that owned workloads are left to their owner.
func TestSelected_ListsTheWorkloadsOfAType(t *testing.T) {
	server, client := newAPIServer(t)
	owned := deployment("owned")
	owned.OwnerReferences = append(owned.OwnerReferences, ownedBy("example.com/v1", "App", "shop"))
	query := ""
	server.on("GET /apis/apps/v1/namespaces/shop/deployments", func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query().Get("labelSelector")
		answer(&appsv1.DeploymentList{Items: []appsv1.Deployment{*deployment("web"), *owned, *deployment("api")}})(w, r)
	})
	kind, ok := workload.TypeFor("deploy")
	require.True(t, ok)
	found, err := client.Selected(t.Context(), namespace, kind, "app=web")
	require.NoError(t, err)
	var names []string
	for _, w := range found {
		names = append(names, w.String())
	}
	assert.Equal(t, []string{"deployment.apps/web", "deployment.apps/api"}, names)
	assert.Equal(t, "app=web", query)
}

func TestTopOwner_ReturnsLastOwner(t *testing.T) {
	pod := func(owner string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: meta("web-abc-x"), Spec: template("app").Spec}
		if owner != "" {
			p.OwnerReferences = append(p.OwnerReferences, ownedBy("apps/v1", "ReplicaSet", owner))
		}
		return p
	}
	byDeployment := &appsv1.ReplicaSet{ObjectMeta: meta("web-abc", ownedBy("apps/v1", "Deployment", "web"))}
	byRollout := &appsv1.ReplicaSet{ObjectMeta: meta("web-roll", ownedBy("argoproj.io/v1alpha1", "Rollout", "web"))}
	for _, tt := range []struct{ owner, want string }{
		{"", ""},
		{"web-abc", "deployment.apps/web"},
		{"web-roll", "rollout.argoproj.io/web"},
		{"gone", "replicaset.apps/gone"},
		{"secret", "replicaset.apps/secret"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			server, client := newAPIServer(t)
			server.on("GET /api/v1/namespaces/shop/pods/web-abc-x", answer(pod(tt.owner)))
			server.on("GET /apis/apps/v1/namespaces/shop/replicasets/web-abc", answer(byDeployment))
			server.on("GET /apis/apps/v1/namespaces/shop/deployments/web", answer(deployment("web")))
			server.on("GET /apis/apps/v1/namespaces/shop/replicasets/web-roll", answer(byRollout))
			server.on(
				"GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web",
				answer(custom("argoproj.io/v1alpha1", "Rollout", "web", nil)),
			)
			server.on("GET /apis/apps/v1/namespaces/shop/replicasets/gone", refuse(notFound("replicasets", "gone")))
			server.on(
				"GET /apis/apps/v1/namespaces/shop/replicasets/secret",
				refuse(apierrors.NewForbidden(schema.GroupResource{Resource: "replicasets"}, "secret", nil)),
			)
			ws, err := client.Get(t.Context(), namespace, []string{"pod/web-abc-x"})
			require.NoError(t, err)
			got, err := client.TopOwner(t.Context(), ws[0])
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}
