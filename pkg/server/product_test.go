package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// layout is a database as an operator or a chart creates it: two Pods, the second of which is the primary.
type layout struct {
	replica, primary map[string]string // labels of the Pods
	containers       []corev1.Container
	services         []runtime.Object // with their endpoints
	service          string           // that applications should use
	container        string
	location         string
}

func sidecarAnd(name string) []corev1.Container {
	return []corev1.Container{{Name: "sidecar", Image: "example/agent"}, {Name: name, Image: "example/image"}}
}

func cloudNativePG() layout {
	replica := map[string]string{"cnpg.io/cluster": "orders", "cnpg.io/instanceRole": "replica", "role": "replica"}
	primary := map[string]string{"cnpg.io/cluster": "orders", "cnpg.io/instanceRole": "primary", "role": "primary"}
	return layout{
		replica: replica, primary: primary, containers: sidecarAnd("postgres"),
		services: []runtime.Object{
			newService(
				"orders-r", "10.0.0.1", map[string]string{"cnpg.io/cluster": "orders", "cnpg.io/podRole": "instance"},
			),
			slicesFor("orders-r", "db-0", "db-1"),
			newService("orders-ro", "10.0.0.2", replica),
			slicesFor("orders-ro", "db-0"),
			newService("orders-rw", "10.0.0.3", primary),
			slicesFor("orders-rw", "db-1"),
		},
		service: "orders-rw", container: "postgres", location: "data/cloudnativepg/orders",
	}
}

func oldCloudNativePG() layout {
	l := cloudNativePG()
	delete(l.replica, "cnpg.io/instanceRole")
	delete(l.primary, "cnpg.io/instanceRole")
	return l
}

func zalando() layout {
	replica := map[string]string{"application": "spilo", "cluster-name": "acid-orders", "spilo-role": "replica"}
	return layout{
		replica:    replica,
		primary:    map[string]string{"application": "spilo", "cluster-name": "acid-orders", "spilo-role": "master"},
		containers: sidecarAnd("postgres"),
		services: []runtime.Object{
			newService("acid-orders", "10.0.0.1", nil), slicesFor("acid-orders", "db-1"),
			newService("acid-orders-repl", "10.0.0.2", replica), slicesFor("acid-orders-repl", "db-0"),
			newService("acid-orders-config", corev1.ClusterIPNone, nil), slicesFor("acid-orders-config"),
		},
		service: "acid-orders", container: "postgres", location: "data/zalando/acid-orders",
	}
}

func crunchy() layout {
	const prefix = "postgres-operator.crunchydata.com/"
	members := map[string]string{prefix + "cluster": "hippo"}
	leader := slicesFor("hippo-ha", "db-1")
	leader.Endpoints[0].TargetRef = nil // Patroni writes addresses, and only some releases write a target
	primary := slicesFor("hippo-primary", "nobody")
	primary.Endpoints[0] = discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}} // the cluster IP of hippo-ha
	every := slicesFor("hippo-pods", "db-0", "db-1")
	every.Ports = nil
	return layout{
		replica:    map[string]string{prefix + "cluster": "hippo", prefix + "role": "replica"},
		primary:    map[string]string{prefix + "cluster": "hippo", prefix + "role": "master"},
		containers: sidecarAnd("database"),
		services: []runtime.Object{
			newService("hippo-ha", "10.0.0.1", nil), leader,
			newService("hippo-primary", corev1.ClusterIPNone, nil), primary,
			newService("hippo-pods", corev1.ClusterIPNone, members), every,
		},
		service: "hippo-ha", container: "database", location: "data/crunchy/hippo",
	}
}

func stackGres() layout {
	members := map[string]string{"app": "StackGresCluster", "stackgres.io/cluster-name": "orders"}
	leader := slicesFor("orders", "db-1")
	leader.Ports = []discoveryv1.EndpointPort{
		{Name: new("pgreplication"), Port: new(int32(7433))},
		{Name: new("postgresql"), Port: new(int32(7432))},
	}
	return layout{
		replica:    map[string]string{"app": "StackGresCluster", "stackgres.io/cluster-name": "orders", "role": "replica"},
		primary:    map[string]string{"app": "StackGresCluster", "stackgres.io/cluster-name": "orders", "role": "primary"},
		containers: sidecarAnd("patroni"),
		services: []runtime.Object{
			newService("orders", "10.0.0.1", nil), leader,
			newService("orders-all", "10.0.0.2", members), slicesFor("orders-all", "db-0", "db-1"),
		},
		service: "orders", container: "patroni", location: "data/stackgres/orders",
	}
}

func patroni() layout {
	members := map[string]string{"application": "patroni", "cluster-name": "demo"}
	return layout{
		replica:    map[string]string{"application": "patroni", "cluster-name": "demo", "role": "replica"},
		primary:    map[string]string{"application": "patroni", "cluster-name": "demo", "role": "master"},
		containers: []corev1.Container{{Name: "demo", Image: "patroni"}},
		services: []runtime.Object{
			newService("demo-all", corev1.ClusterIPNone, members), slicesFor("demo-all", "db-0", "db-1"),
			newService("demo", "10.0.0.1", nil), slicesFor("demo", "db-1"),
		},
		service: "demo", container: "demo", location: "data/patroni/demo",
	}
}

func bitnami() layout {
	labels := func(component string) map[string]string {
		return map[string]string{
			"app.kubernetes.io/name":      "postgresql",
			"app.kubernetes.io/instance":  "shop",
			"app.kubernetes.io/component": component,
		}
	}
	return layout{
		replica: labels("read"), primary: labels("primary"), containers: sidecarAnd("postgresql"),
		services: []runtime.Object{
			newService("shop-hl", corev1.ClusterIPNone, labels("primary")), slicesFor("shop-hl", "db-1"),
			newService("shop-postgresql", "10.0.0.1", labels("primary")), slicesFor("shop-postgresql", "db-1"),
			newService("shop-read", "10.0.0.2", labels("read")), slicesFor("shop-read", "db-0"),
		},
		service: "shop-postgresql", container: "postgresql", location: "data/statefulset/db",
	}
}

func TestFind_FindsPrimaryOfProducts(t *testing.T) {
	layouts := map[string]layout{
		"CloudNativePG": cloudNativePG(), "CloudNativePG before 1.18": oldCloudNativePG(), "Zalando": zalando(), "Crunchy": crunchy(),
		"StackGres": stackGres(), "Patroni": patroni(), "Bitnami": bitnami(),
	}
	for name, l := range layouts {
		t.Run(name, func(t *testing.T) {
			objects := append([]runtime.Object{
				newPod("db-0", labelled(l.replica), containers(l.containers...), controlledBy("StatefulSet", "db")),
				newPod("db-1", labelled(l.primary), containers(l.containers...), controlledBy("StatefulSet", "db")),
				newService("every", "10.0.0.9", nil), slicesFor("every", "db-0", "db-1"),
			}, l.services...)
			finder := server.NewFinder(newCluster(t, objects...))

			e, err := finder.Find(t.Context(), server.Ref{Kind: server.KindPod, Name: "db-1", Namespace: namespace}, server.Choice{})
			require.NoError(t, err)
			assert.Equal(t, l.service, e.Service)
			assert.EqualValues(t, 5432, e.Port)
			assert.Equal(t, l.container, e.Container)
			assert.Equal(t, l.location, e.Location)
			assert.False(t, e.HostReachesReplicas)

			found, err := finder.Candidates(
				t.Context(), server.Ref{Kind: server.KindService, Name: "every", Namespace: namespace}, server.Choice{},
			)
			require.NoError(t, err)
			require.Len(t, found, 2)
			assert.Equal(t, "db-1", found[0].Pod.Name, "the labels identify the primary")
			assert.Equal(t, "db-0", found[1].Pod.Name)
			assert.Equal(t, found[0].Location, found[1].Location)
			assert.Equal(t, "every", found[0].Service, "the user named it")
			assert.True(t, found[0].HostReachesReplicas)
		})
	}
}

func TestFind_WithoutLabels(t *testing.T) {
	objects := append(
		lesson(),
		newPod("postgresql-sfs-10", labelled(lessonLabels), controlledBy("StatefulSet", "postgresql-sfs")),
		newPod("postgresql-sfs-2", labelled(lessonLabels), controlledBy("StatefulSet", "postgresql-sfs")),
		newPod("postgresql-sfs-1", labelled(lessonLabels), controlledBy("StatefulSet", "postgresql-sfs"), notReady("starting")),
		newPod("postgresql-sfs-3", labelled(lessonLabels), controlledBy("StatefulSet", "another")),
		newPod("postgresql-sfs-4", labelled(lessonLabels), controlledBy("StatefulSet", "postgresql-sfs")),
		newService("all", "10.0.0.1", lessonLabels),
		slicesFor("all", "postgresql-sfs-0", "postgresql-sfs-2", "postgresql-sfs-3", "postgresql-sfs-10"),
	)
	found, err := server.NewFinder(newCluster(t, objects...)).
		Candidates(t.Context(), server.Ref{Kind: server.KindStatefulSet, Name: "postgresql-sfs", Namespace: namespace}, server.Choice{})
	require.NoError(t, err)
	var names []string
	for _, e := range found {
		names = append(names, e.Pod.Name)
	}
	assert.Equal(
		t, []string{"postgresql-sfs-0", "postgresql-sfs-2", "postgresql-sfs-10"}, names,
		"ready Pods of the StatefulSet with a Service",
	)
}
