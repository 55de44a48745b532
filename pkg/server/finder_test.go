package server_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

var (
	lessonLabels = map[string]string{"app": "postgresql-a"}
	lessonRef    = server.Ref{Kind: server.KindPod, Name: "postgresql-sfs-0", Namespace: namespace}
)

// lesson returns the database of the lesson, with changes to its Pod.
func lesson(changes ...func(*corev1.Pod)) []runtime.Object {
	changes = append([]func(*corev1.Pod){labelled(lessonLabels), controlledBy("StatefulSet", "postgresql-sfs")}, changes...)
	return []runtime.Object{
		newPod("postgresql-sfs-0", changes...),
		&appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "postgresql-sfs", Namespace: namespace, UID: "uid-of-postgresql-sfs"},
			Spec:       appsv1.StatefulSetSpec{Selector: &metav1.LabelSelector{MatchLabels: lessonLabels}},
		},
		newService("postgresql-svc", corev1.ClusterIPNone, lessonLabels),
		slicesFor("postgresql-svc", "postgresql-sfs-0"),
		newPod("postgresql-application", containers(corev1.Container{Name: "app", Image: "postgresql-application:1"})),
	}
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("ask your administrator"))
}

func TestParseRef(t *testing.T) {
	valid := map[string]string{
		"pod/a":                         "pod/a",
		"Pods/a":                        "pod/a",
		"po/a.b":                        "pod/a.b",
		"sts/a":                         "statefulset/a",
		"statefulset.apps/a":            "statefulset/a",
		"svc/a":                         "service/a",
		"services/a":                    "service/a",
		"deployment/a":                  "deployment/a",
		"deploy/a":                      "deployment/a",
		"cluster/a":                     "cluster/a",
		"clusters.postgresql.cnpg.io/a": "cluster/a",
		"a":                             "pod/a",
		"pg-0":                          "pod/pg-0",
		"a.b":                           "pod/a.b",
	}
	for text, want := range valid {
		ref, err := server.ParseRef(text, namespace)
		require.NoError(t, err, text)
		assert.Equal(t, want, ref.String())
		assert.Equal(t, namespace, ref.Namespace)
	}
	for _, text := range []string{"", "pod", "Deployment", "pod/", "/a", "pod/a/b", "job/a", "pod/A", "A", "pod/..", "..", "a/"} {
		_, err := server.ParseRef(text, namespace)
		require.EqualError(
			t, err,
			`invalid database "`+text+`": use pod/NAME, statefulset/NAME, deployment/NAME, service/NAME, cluster/NAME or the name of a Pod`,
		)
	}
}

func TestFind_FindsDatabaseOfLesson(t *testing.T) {
	requests := map[string][]string{
		"pod/postgresql-sfs-0":       {"get pods", "list endpointslices", "list services"},
		"statefulset/postgresql-sfs": {"get statefulsets", "list endpointslices", "list pods", "list services"},
		"service/postgresql-svc":     {"list endpointslices", "list pods", "list services"},
	}
	for text, want := range requests {
		t.Run(text, func(t *testing.T) {
			cluster := newCluster(t, lesson()...)
			ref, err := server.ParseRef(text, namespace)
			require.NoError(t, err)
			found, err := server.NewFinder(cluster).Candidates(t.Context(), ref, server.Choice{})
			require.NoError(t, err)
			require.Len(t, found, 1)
			e := found[0]
			assert.Equal(t, "postgresql-sfs-0", e.Pod.Name)
			assert.Equal(t, "postgresql-db", e.Container)
			assert.Equal(t, "postgresql-svc.data.svc", e.HostName())
			assert.False(t, e.HostComplete())
			assert.EqualValues(t, 5432, e.Port)
			assert.EqualValues(t, 5432, e.PodPort)
			assert.Equal(t, "ip-of-postgresql-sfs-0", e.PodIP)
			assert.Empty(t, e.SocketDir)
			assert.False(t, e.HostReachesReplicas)
			assert.Equal(t, "data/statefulset/postgresql-sfs", e.Location)
			assert.Equal(t, want, sorted(cluster.requests))
		})
	}
}

func TestFind_RejectsInvalidChoiceWithoutRequests(t *testing.T) {
	for _, choice := range []server.Choice{{Host: "a b"}, {Host: "a,b"}, {Host: "/tmp"}, {Host: "a\nb"}, {Host: "a@b"}, {ClusterDomain: "a/b"}, {Port: -1}, {Port: 65536}} {
		cluster := newCluster(t, lesson()...)
		_, err := server.NewFinder(cluster).Candidates(t.Context(), lessonRef, choice)
		require.Regexp(t, `invalid (host|cluster domain|port) `, err)
		assert.Empty(t, cluster.requests)
	}
}

func TestFind_AppliesChoice(t *testing.T) {
	tests := map[string]struct {
		choice   server.Choice
		host     string
		complete bool
		port     int32
		requests []string
	}{
		"domain": {
			server.Choice{ClusterDomain: "cluster.local"}, "postgresql-svc.data.svc.cluster.local", true, 5432,
			[]string{"get pods", "list endpointslices", "list services"},
		},
		"host":          {server.Choice{Host: "db.example"}, "db.example", true, 5432, []string{"get pods"}},
		"host and port": {server.Choice{Host: "db.example", Port: 6432}, "db.example", true, 6432, []string{"get pods"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, lesson()...)
			e, err := server.NewFinder(cluster).Find(t.Context(), lessonRef, test.choice)
			require.NoError(t, err)
			assert.Equal(t, test.host, e.HostName())
			assert.Equal(t, test.complete, e.HostComplete())
			assert.Equal(t, test.port, e.Port)
			assert.EqualValues(t, 5432, e.PodPort)
			assert.Equal(t, test.requests, sorted(cluster.requests))
		})
	}
}

func TestFind_ExplainsFailure(t *testing.T) {
	elsewhere := server.Ref{Kind: server.KindPod, Name: "elsewhere-0", Namespace: namespace}
	deleted := func(pod *corev1.Pod) {
		pod.DeletionTimestamp, pod.Finalizers = new(metav1.Now()), []string{"example/hold"}
	}
	crashing := func(pod *corev1.Pod) {
		notReady("containers with unready status: [postgresql-db]")(pod)
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "postgresql-db", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		}}
	}
	pending := func(pod *corev1.Pod) { pod.Status = corev1.PodStatus{Phase: corev1.PodPending} }
	const unready = "cannot use pod/postgresql-sfs-0 in namespace data as the database: pod/postgresql-sfs-0 is not ready, "
	const described = " (see kubectl describe pod/postgresql-sfs-0 -n data)"
	const alone = ": name the server with --postgres and --postgres-namespace; kubectl pgbind servers -A lists them"
	tests := map[string]struct {
		cluster *cluster
		ref     server.Ref
		want    string
	}{
		"not found": {
			newCluster(t, lesson()...),
			elsewhere,
			`pod/elsewhere-0 not found in namespace data: this looks like a database: --postgres=service/postgresql-svc`,
		},
		"not found, nothing similar": {
			newCluster(t), elsewhere, `pod/elsewhere-0 not found in namespace data` + alone,
		},
		"not found, and no list": {
			newCluster(t, lesson()...).refuse("list", "pods", forbidden("pods")), elsewhere,
			`pod/elsewhere-0 not found in namespace data` + alone,
		},
		"not ready": {
			newCluster(t, append(lesson(notReady("containers with unready status: [postgresql-db]")), newPod("other-0"))...),
			lessonRef,
			unready + "containers with unready status: [postgresql-db]" + described + ": this looks like a database: --postgres=pod/other-0",
		},
		"crashing": {
			newCluster(t, lesson(crashing)...),
			lessonRef,
			unready + "container postgresql-db is waiting: CrashLoopBackOff" + described,
		},
		"pending":       {newCluster(t, lesson(pending)...), lessonRef, unready + "its phase is Pending" + described},
		"being deleted": {newCluster(t, lesson(deleted)...), lessonRef, unready + "it is being deleted" + described},
		"no such StatefulSet": {
			newCluster(t, lesson()...),
			server.Ref{Kind: server.KindStatefulSet, Name: "sts", Namespace: namespace},
			`statefulset/sts not found in namespace data: this looks like a database: --postgres=service/postgresql-svc`,
		},
		"Service of nothing": {
			newCluster(t, newService("svc", "10.0.0.1", nil), slicesFor("svc")),
			server.Ref{Kind: server.KindService, Name: "svc", Namespace: namespace},
			"cannot use service/svc in namespace data as the database: it has no Pods" + alone,
		},
		"no Service": {
			newCluster(t, newPod("postgresql-sfs-0")),
			lessonRef,
			"no service in namespace data leads to port 5432 of pod/postgresql-sfs-0: create one, or name the database's address with --host",
		},
		"Services not readable": {
			newCluster(t, lesson()...).refuse("list", "services", forbidden("services")), lessonRef,
			"find the database's service in namespace data (or use --host): services is forbidden: ask your administrator",
		},
		"neither EndpointSlices nor Endpoints": {
			newCluster(
				t,
				lesson()...).refuse("list", "endpointslices", forbidden("endpointslices")).refuse(
				"list", "endpoints", forbidden("endpoints"),
			),
			lessonRef,
			"find the pods behind the services of namespace data (or use --host): endpointslices is forbidden: ask your administrator",
		},
		"Pod not readable": {
			newCluster(t, lesson()...).refuse("get", "pods", forbidden("pods")), lessonRef,
			"cannot use pod/postgresql-sfs-0 in namespace data as the database: pods is forbidden: ask your administrator",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := server.NewFinder(test.cluster).Find(t.Context(), test.ref, server.Choice{})
			require.EqualError(t, err, test.want)
		})
	}
}

func TestFind_WrapsAPIErrors(t *testing.T) {
	_, err := server.NewFinder(newCluster(t)).Find(t.Context(), lessonRef, server.Choice{})
	assert.True(t, apierrors.IsNotFound(err))
	_, err = server.NewFinder(newCluster(t).refuse("get", "pods", forbidden("pods"))).Find(t.Context(), lessonRef, server.Choice{})
	assert.True(t, apierrors.IsForbidden(err))
}

func TestFind_ReadsEndpointsIfSlicesAreForbidden(t *testing.T) {
	//nolint:staticcheck // SA1019: the subject of this test
	endpoints := &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Name: "postgresql-svc", Namespace: namespace},
		Subsets: []corev1.EndpointSubset{
			{
				Addresses: []corev1.EndpointAddress{{IP: "ip-of-postgresql-sfs-0"}},
				NotReadyAddresses: []corev1.EndpointAddress{
					{IP: "10.9.9.9", TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "postgresql-sfs-1"}},
				},
				Ports: []corev1.EndpointPort{{Name: "postgresql", Port: 5432}},
			},
		},
	}
	for name, refusal := range map[string]error{"forbidden": forbidden("endpointslices"), "absent": apierrors.NewNotFound(schema.GroupResource{}, "")} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, append(lesson(), endpoints)...).refuse("list", "endpointslices", refusal)
			e, err := server.NewFinder(cluster).Find(t.Context(), lessonRef, server.Choice{})
			require.NoError(t, err)
			assert.Equal(t, "postgresql-svc", e.Service)
			assert.True(t, e.HostReachesReplicas)
		})
	}
}

func TestRunBy_MatchesOwners(t *testing.T) {
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "pg-5d8f", Namespace: namespace, OwnerReferences: controller("Deployment", "pg")},
	}
	inDeployment := newPod(
		"postgresql-sfs-0", controlledBy("ReplicaSet", "pg-5d8f"),
		labelled(map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: "5d8f"}),
	)
	tests := map[string]struct {
		cluster  *cluster
		location string
		by       []types.UID
	}{
		"no owner":    {newCluster(t, newPod("postgresql-sfs-0")), "data/pod/postgresql-sfs-0", nil},
		"StatefulSet": {newCluster(t, lesson()...), "data/statefulset/postgresql-sfs", []types.UID{"uid-of-postgresql-sfs"}},
		"Deployment":  {newCluster(t, inDeployment, set), "data/deployment/pg", []types.UID{"uid-of-pg-5d8f", "uid-of-pg"}},
		"ReplicaSet not readable": {
			newCluster(
				t,
				inDeployment,
			).refuse("get", "replicasets", forbidden("replicasets")),
			"data/deployment/pg",
			[]types.UID{"uid-of-pg-5d8f"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := server.NewFinder(test.cluster).Find(t.Context(), lessonRef, server.Choice{Host: "db.example"})
			require.NoError(t, err)
			assert.Equal(t, test.location, e.Location)
			for _, uid := range append(test.by, "uid-of-postgresql-sfs-0") {
				assert.True(t, e.RunBy(uid), uid)
			}
			assert.False(t, e.RunBy("uid-of-another"))
			assert.False(t, e.RunBy(""))
		})
	}
}
