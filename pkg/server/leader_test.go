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

// member is a Pod of a StatefulSet with these labels and a role.
func member(name, roleKey, role string, labels map[string]string) *corev1.Pod {
	all := map[string]string{roleKey: role}
	for key, value := range labels {
		all[key] = value
	}
	return newPod(name, labelled(all), controlledBy("StatefulSet", "db"))
}

func withLabels(service *corev1.Service, labels map[string]string) *corev1.Service {
	service.Labels = labels
	return service
}

// TestFind_DuringFailover finds db-1, the new primary, while labels and endpoints still have the roles of before.
func TestFind_DuringFailover(t *testing.T) {
	const crunchy = "postgres-operator.crunchydata.com/"
	spilo := map[string]string{"application": "spilo", "cluster-name": "acid-orders"}
	hippo := map[string]string{crunchy + "cluster": "hippo", crunchy + "patroni": "hippo-ha"}
	own := map[string]string{"app": "orders"}
	with := func(key, value string, labels map[string]string) map[string]string {
		return member("", key, value, labels).Labels
	}
	through := slicesFor("hippo-primary")
	through.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.3"}}}
	for name, test := range map[string]struct {
		roleKey, former string
		labels          map[string]string
		services        []runtime.Object // with their endpoints
		service         string
		address         string
	}{
		"a selector that matches no Pod now": {
			roleKey: "role", former: "primary", labels: map[string]string{"cluster-name": "orders"},
			services: []runtime.Object{
				newService("orders", "10.0.0.3", with("role", "primary", map[string]string{"cluster-name": "orders"})), slicesFor("orders"),
				newService("orders-repl", "10.0.0.4", with("role", "replica", map[string]string{"cluster-name": "orders"})), slicesFor("orders-repl", "db-1"),
			},
			service: "orders", address: "10.0.0.3",
		},
		"a selector that matches the former primary, with labels of an unknown tool": {
			roleKey: "example.com/pg-role", former: "leader", labels: own,
			services: []runtime.Object{
				newService("orders-for-writes", "10.0.0.3", with("example.com/pg-role", "leader", own)), slicesFor("orders-for-writes", "db-0"),
				newService("r", "10.0.0.4", with("example.com/pg-role", "replica", own)), slicesFor("r", "db-1"),
				newService("all", "10.0.0.5", own), slicesFor("all", "db-0", "db-1"),
			},
			service: "orders-for-writes", address: "10.0.0.3",
		},
		"endpoints of Zalando that are empty": {
			roleKey: "spilo-role", former: "master", labels: spilo,
			services: []runtime.Object{
				newService("acid-orders", "10.0.0.3", nil), slicesFor("acid-orders"),
				newService("acid-orders-repl", "10.0.0.4", with("spilo-role", "replica", spilo)), slicesFor("acid-orders-repl", "db-1"),
				servicePorts(withLabels(newService("acid-orders-config", headless, nil), spilo), nil),
			},
			service: "acid-orders", address: "10.0.0.3",
		},
		"endpoints of Crunchy that lead to the former primary": {
			roleKey: crunchy + "role", former: "master", labels: hippo,
			services: []runtime.Object{
				newService("hippo-ha", "10.0.0.3", nil), slicesFor("hippo-ha", "db-0"),
				withLabels(newService("hippo-primary", headless, nil), with(crunchy+"role", "primary", hippo)), through,
				newService("hippo-replicas", "10.0.0.4", with(crunchy+"role", "replica", hippo)), slicesFor("hippo-replicas", "db-1"),
				newService("hippo-pods", headless, map[string]string{crunchy + "cluster": "hippo"}), slicesFor("hippo-pods", "db-1"),
			},
			service: "hippo-primary",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods := []runtime.Object{
				member("db-0", test.roleKey, test.former, test.labels), member("db-1", test.roleKey, "replica", test.labels),
				member("db-2", test.roleKey, "replica", map[string]string{"app": "other", "cluster-name": "other"}), // another server
			}
			finder := server.NewFinder(newCluster(t, append(test.services, pods...)...))

			e, err := finder.Find(t.Context(), server.Ref{Kind: server.KindPod, Name: "db-1", Namespace: namespace}, server.Choice{})
			require.NoError(t, err)
			assert.Equal(t, test.service, e.Service)
			assert.EqualValues(t, 5432, e.Port)
			assert.Equal(t, test.address, e.Address)
			assert.False(t, e.HostReachesReplicas)

			found, err := finder.Candidates(
				t.Context(), server.Ref{Kind: server.KindService, Name: test.service, Namespace: namespace},
				server.Choice{},
			)
			require.NoError(t, err)
			require.Len(t, found, 2, "the server decides which one is the primary")
			for i, e := range found {
				assert.Equal(t, []string{"db-0", "db-1"}[i], e.Pod.Name)
				assert.Equal(t, test.service, e.Service)
			}
		})
	}
}

// TestFind_ThroughAnotherService follows a Service whose endpoints are the address of another Service.
func TestFind_ThroughAnotherService(t *testing.T) {
	through := slicesFor("hippo-primary")
	through.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.3"}}}
	finder := server.NewFinder(newCluster(t, newPod("db-0"), newService("hippo-ha", "10.0.0.3", nil), slicesFor("hippo-ha", "db-0"),
		newService("hippo-primary", headless, nil), through))

	found, err := finder.Candidates(
		t.Context(), server.Ref{Kind: server.KindService, Name: "hippo-primary", Namespace: namespace}, server.Choice{},
	)

	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "db-0", found[0].Pod.Name)
	assert.Equal(t, "hippo-primary", found[0].Service)
	assert.Equal(t, "10.0.0.3", found[0].Address, "the address in the DNS")
}

// TestFind_NoServiceOfReplicas uses no Service that says that it leads to replicas, even if it leads to the primary alone.
func TestFind_NoServiceOfReplicas(t *testing.T) {
	labels := map[string]string{"cluster-name": "orders"}
	replicas := newService("orders-repl", "10.0.0.4", member("", "role", "replica", labels).Labels)
	finder := server.NewFinder(newCluster(t, member("db-1", "role", "primary", labels), replicas, slicesFor("orders-repl", "db-1")))
	for _, ref := range []server.Ref{{Kind: server.KindPod, Name: "db-1", Namespace: namespace}, {Kind: server.KindService, Name: "orders-repl", Namespace: namespace}} {
		_, err := finder.Find(t.Context(), ref, server.Choice{})
		require.ErrorContains(t, err, "no service in namespace data leads to port 5432 of pod/db-1")
	}
}

// TestCandidates_OfLocation includes the other Pods of the server, also if the Pod is gone.
func TestCandidates_OfLocation(t *testing.T) {
	labels := map[string]string{"cluster-name": "orders"}
	objects := []runtime.Object{
		member("db-0", "role", "replica", labels),
		member("db-1", "role", "primary", labels),
		member("else-0", "role", "primary", map[string]string{"cluster-name": "else"}),
		newService("orders", "10.0.0.3", labels),
		slicesFor("orders", "db-0", "db-1"),
	}
	names := func(ref string, choice server.Choice, refuse bool) []string {
		cluster := newCluster(t, objects...)
		if refuse {
			cluster.refuse("list", "pods", forbidden("pods"))
		}
		found, err := server.NewFinder(cluster).Candidates(
			t.Context(), server.Ref{Kind: server.KindPod, Name: ref, Namespace: namespace}, choice,
		)
		require.NoError(t, err)
		var names []string
		for _, e := range found {
			names = append(names, e.Pod.Name)
		}
		return names
	}
	at := server.Choice{Location: "data/patroni/orders"}
	assert.Equal(t, []string{"db-0"}, names("db-0", server.Choice{}, false))
	assert.Equal(t, []string{"db-1", "db-0"}, names("db-0", at, false))
	assert.Equal(t, []string{"db-1", "db-0"}, names("db-7", at, false))
	assert.Equal(t, []string{"db-0"}, names("db-0", at, true), "without the right to list Pods")
}
