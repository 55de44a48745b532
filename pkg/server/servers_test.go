package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// ownedBy makes a built-in object of the API group apps the controller of the Pod.
func ownedBy(kind, name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		controlledBy(kind, name)(pod)
		pod.OwnerReferences[0].APIVersion = appsv1.SchemeGroupVersion.String()
	}
}

// cnpg returns a cluster of CloudNativePG with a standby, a primary and a pooler.
func cnpg() []runtime.Object {
	member := func(name, role string) *corev1.Pod {
		return newPod(
			name, labelled(map[string]string{"cnpg.io/cluster": "shop", "cnpg.io/instanceRole": role}),
			controlledBy("Cluster", "shop"),
		)
	}
	primary := map[string]string{"cnpg.io/cluster": "shop", "cnpg.io/instanceRole": "primary"}
	return []runtime.Object{
		member("shop-1", "replica"),
		member("shop-2", "primary"),
		newPod(
			"shop-pooler", labelled(map[string]string{"cnpg.io/cluster": "shop"}),
			containers(corev1.Container{Name: "pgbouncer", Image: "pgbouncer:1"}),
		),
		newService("shop-rw", "10.0.0.1", primary),
		slicesFor("shop-rw", "shop-2"),
		newService("shop-r", "10.0.0.2", map[string]string{"cnpg.io/cluster": "shop"}),
		slicesFor("shop-r", "shop-1", "shop-2"),
	}
}

// inDeployment returns a Deployment with one Pod that runs PostgreSQL, and a Pod of another one with the same labels.
func inDeployment() []runtime.Object {
	labels := func(hash string) func(*corev1.Pod) {
		return labelled(map[string]string{"app": "pg", appsv1.DefaultDeploymentUniqueLabelKey: hash})
	}
	return []runtime.Object{
		&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "pg", Namespace: namespace},
			Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "pg"}}},
		},
		newPod("pg-5d8f-abc", ownedBy("ReplicaSet", "pg-5d8f"), labels("5d8f")),
		newPod("other-77-abc", ownedBy("ReplicaSet", "other-77"), labels("77"), containers(corev1.Container{Name: "a", Image: "web:1"})),
		newService("pg", "10.0.0.1", map[string]string{"app": "pg"}), slicesFor("pg", "pg-5d8f-abc"),
	}
}

func refsOf(found []server.Found) map[string][]string {
	refs := map[string][]string{}
	for _, f := range found {
		for _, ref := range f.Refs {
			refs[f.Location] = append(refs[f.Location], ref.String())
		}
	}
	return refs
}

func TestServers_NamesServices(t *testing.T) {
	replicas := []runtime.Object{
		newPod("pg-0", ownedBy("StatefulSet", "pg"), labelled(map[string]string{"app": "pg"})),
		newPod("pg-1", ownedBy("StatefulSet", "pg"), labelled(map[string]string{"app": "pg"})),
		newService("pg", corev1.ClusterIPNone, map[string]string{"app": "pg"}), slicesFor("pg", "pg-0", "pg-1"),
	}
	bitnami := func(component string) func(*corev1.Pod) {
		return labelled(map[string]string{"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": component})
	}
	for name, test := range map[string]struct {
		objects []runtime.Object
		want    map[string][]string
	}{
		"lesson": {lesson(ownedBy("StatefulSet", "postgresql-sfs")), map[string][]string{
			"data/statefulset/postgresql-sfs": {"service/postgresql-svc", "statefulset/postgresql-sfs", "pod/postgresql-sfs-0"},
		}},
		"CloudNativePG": {cnpg(), map[string][]string{"data/cloudnativepg/shop": {"service/shop-rw", "cluster/shop", "pod/shop-2", "pod/shop-1"}}},
		"Deployment":    {inDeployment(), map[string][]string{"data/deployment/pg": {"service/pg", "deployment/pg", "pod/pg-5d8f-abc"}}},
		"a Service that also leads to replicas": {replicas, map[string][]string{
			"data/statefulset/pg": {"statefulset/pg", "pod/pg-0", "pod/pg-1"},
		}},
		"read replicas of a chart": {
			[]runtime.Object{
				newPod("a-0", bitnami("primary"), controlledBy("StatefulSet", "a")), newPod("b-0", bitnami("read"), controlledBy("StatefulSet", "b")),
			},
			map[string][]string{"data/statefulset/a": {"pod/a-0"}},
		},
		"no server": {[]runtime.Object{newPod("web", containers(corev1.Container{Name: "web", Image: "web:1"}))}, map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, test.objects...)
			found, gaps, err := server.NewFinder(c).Servers(t.Context(), namespace)
			require.NoError(t, err)
			assert.Empty(t, gaps)
			assert.Equal(t, test.want, refsOf(found))
		})
	}
}

func TestServers_DescribesTheServer(t *testing.T) {
	c := newCluster(t, cnpg()...)
	found, _, err := server.NewFinder(c).Servers(t.Context(), namespace)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "cloudnativepg", found[0].Product)
	assert.Equal(t, "shop-2", found[0].Primary().Pod.Name)
	assert.Equal(t, "shop-rw.data.svc", found[0].Primary().HostName())
	assert.EqualValues(t, 5432, found[0].Primary().Port)
	assert.Equal(t, []string{"list endpointslices", "list pods", "list services"}, sorted(c.requests))
}

func TestDescription_NamesProductOrImageAndPods(t *testing.T) {
	labels := labelled(map[string]string{"app": "pg"})
	for name, test := range map[string]struct {
		objects []runtime.Object
		want    string
	}{
		"of CloudNativePG": {cnpg(), "cloudnativepg, primary pod/shop-2, replicas pod/shop-1"},
		"one Pod":          {inDeployment(), "registry.example/library/postgres:14.5, pod/pg-5d8f-abc"},
		"without roles": {
			[]runtime.Object{newPod("pg-0", ownedBy("StatefulSet", "pg"), labels), newPod("pg-1", ownedBy("StatefulSet", "pg"), labels)},
			"registry.example/library/postgres:14.5, pod/pg-0, pod/pg-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found, _, err := server.NewFinder(newCluster(t, test.objects...)).Servers(t.Context(), namespace)
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, test.want, found[0].Description())
		})
	}
}

func TestServers_DoesWithoutServices(t *testing.T) {
	c := newCluster(t, inDeployment()...).refuse("list", "services", forbidden("services"))
	found, gaps, err := server.NewFinder(c).Servers(t.Context(), namespace)
	require.NoError(t, err)
	require.Len(t, gaps, 1)
	require.ErrorContains(t, gaps[0], "services is forbidden")
	assert.Equal(t, map[string][]string{"data/deployment/pg": {"deployment/pg", "pod/pg-5d8f-abc"}}, refsOf(found))
	_, _, err = server.NewFinder(newCluster(t).refuse("list", "pods", forbidden("pods"))).Servers(t.Context(), namespace)
	require.ErrorContains(t, err, "pods is forbidden")
}

func TestFind_FindsPodsOfDeploymentsAndClusters(t *testing.T) {
	for text, test := range map[string]struct {
		objects  []runtime.Object
		pods     []string
		requests []string
	}{
		"deployment/pg": {inDeployment(), []string{"pg-5d8f-abc"}, []string{"get deployments", "get replicasets", "list endpointslices", "list pods", "list services"}},
		"cluster/shop":  {cnpg(), []string{"shop-2", "shop-1"}, []string{"list endpointslices", "list pods", "list services"}},
		"shop-1":        {cnpg(), []string{"shop-1"}, []string{"get pods", "list endpointslices", "list services"}},
	} {
		t.Run(text, func(t *testing.T) {
			c := newCluster(t, test.objects...)
			ref, err := server.ParseRef(text, namespace)
			require.NoError(t, err)
			found, err := server.NewFinder(c).Candidates(t.Context(), ref, server.Choice{})
			require.NoError(t, err)
			var pods []string
			for _, e := range found {
				pods = append(pods, e.Pod.Name)
			}
			assert.Equal(t, test.pods, pods, "the primary first, and no pooler")
			assert.Equal(t, test.requests, sorted(c.requests))
		})
	}
}

func TestExact_SuggestsNothing(t *testing.T) {
	c := newCluster(t, inDeployment()...)
	_, err := server.NewFinder(c).Exact(t.Context(), lessonRef, server.Choice{})
	require.EqualError(t, err, "pod/postgresql-sfs-0 not found in namespace data")
	assert.NotContains(t, c.requests, "list pods")
}
