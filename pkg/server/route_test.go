package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

const headless = corev1.ClusterIPNone

// servicePorts sets the Service's ports to pairs of name and number.
func servicePorts(service *corev1.Service, ports map[string]int32) *corev1.Service {
	service.Spec.Ports = nil
	for name, port := range ports {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: name, Port: port})
	}
	return service
}

func slicePorts(slice *discoveryv1.EndpointSlice, ports map[string]int32) *discoveryv1.EndpointSlice {
	slice.Ports = nil
	for name, port := range ports {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &name, Port: &port})
	}
	return slice
}

func TestRouteTo_ChoosesService(t *testing.T) {
	const pod, other = "postgresql-sfs-0", "postgresql-sfs-1"
	selector := map[string]string{"app": "x"}
	pinned := map[string]string{appsv1.StatefulSetPodNameLabel: pod}
	primary := map[string]string{"cnpg.io/cluster": "orders", "cnpg.io/instanceRole": "primary"}
	terminating := slicesFor("pg", pod, other)
	terminating.Endpoints[1].Conditions.Terminating = new(true)
	undeclared := []func(*corev1.Pod){containers(corev1.Container{Name: "db", Image: "postgres"})}
	tests := map[string]struct {
		objects  []runtime.Object
		pod      []func(*corev1.Pod)
		wanted   int32
		service  string // empty: no Service
		port     int32
		replicas bool
	}{
		"one member is better than many": {
			objects: []runtime.Object{
				newService("all", "10.0.0.1", selector),
				slicesFor("all", pod, other),
				newService("primary", headless, selector),
				slicesFor("primary", pod),
			},
			service: "primary",
			port:    5432,
		},
		"many members": {
			objects: []runtime.Object{
				newService("all", headless, selector),
				slicesFor("all", pod, other),
			},
			service:  "all",
			port:     5432,
			replicas: true,
		},
		"members of two slices": {
			objects: []runtime.Object{
				newService("all", headless, selector),
				slicesFor("all", pod),
				renamed(slicesFor("all", other), "all-x8"),
			},
			service:  "all",
			port:     5432,
			replicas: true,
		},
		"terminating member": {objects: []runtime.Object{newService("pg", headless, selector), terminating}, service: "pg", port: 5432},
		"managed by the leader is better than a selector": {
			objects: []runtime.Object{
				newService("a", "10.0.0.1", selector),
				slicesFor("a", pod),
				newService("leader", "10.0.0.2", nil),
				slicesFor("leader", pod),
			},
			service: "leader",
			port:    5432,
		},
		"primary's Service, single member": {
			objects: []runtime.Object{
				newService("r", "10.0.0.1", selector),
				slicesFor("r", pod),
				newService("orders-rw", "10.0.0.2", primary),
				slicesFor("orders-rw", pod),
			},
			pod:     []func(*corev1.Pod){labelled(primary)},
			service: "orders-rw",
			port:    5432,
		},
		"primary's Service during a failover": {
			objects: []runtime.Object{newService("orders-rw", "10.0.0.2", primary), slicesFor("orders-rw", pod, other)},
			pod:     []func(*corev1.Pod){labelled(primary)}, service: "orders-rw", port: 5432,
		},
		"cluster IP is better than headless": {
			objects: []runtime.Object{
				newService("a", headless, selector),
				slicesFor("a", pod),
				newService("bb", "10.0.0.1", selector),
				slicesFor("bb", pod),
			},
			service: "bb",
			port:    5432,
		},
		"the shorter name": {
			objects: []runtime.Object{
				newService("a-pg", headless, selector),
				slicesFor("a-pg", pod),
				newService("pg", headless, selector),
				slicesFor("pg", pod),
			},
			service: "pg",
			port:    5432,
		},
		"pinned to the Pod": {
			objects: []runtime.Object{
				newService("pin", "10.0.0.1", pinned),
				slicesFor("pin", pod),
				newService("free", headless, selector),
				slicesFor("free", pod),
			},
			service: "free",
			port:    5432,
		},
		"pinned before all members": {
			objects: []runtime.Object{
				newService("pin", "10.0.0.1", pinned),
				slicesFor("pin", pod),
				newService("all", headless, selector),
				slicesFor("all", pod, other),
			},
			service: "pin",
			port:    5432,
		},
		"other port of the Service": {
			objects: []runtime.Object{
				servicePorts(newService("pg", "10.0.0.1", selector), map[string]int32{"postgresql": 6000, "metrics": 9187}),
				slicePorts(slicesFor("pg", pod), map[string]int32{"postgresql": 5432, "metrics": 9187}),
			},
			service: "pg",
			port:    6000,
		},
		"headless Service uses the Pod's ports": {
			objects: []runtime.Object{
				servicePorts(newService("pg", headless, selector), map[string]int32{"postgresql": 6000}),
				slicesFor("pg", pod),
			},
			service: "pg",
			port:    5432,
		},
		"headless without ports": {
			objects: []runtime.Object{newService("pg", headless, selector), slicePorts(slicesFor("pg", pod), nil)},
			service: "pg",
			port:    5432,
		},
		"wanted port": {
			objects: []runtime.Object{
				newService("pg", "10.0.0.1", selector),
				slicesFor("pg", pod),
				servicePorts(
					newService("pool", "10.0.0.2", selector),
					map[string]int32{"pool": 6432},
				),
				slicePorts(slicesFor("pool", pod), map[string]int32{"pool": 6432}),
			},
			wanted: 6432, service: "pool", port: 6432,
		},
		"wanted port does not exist": {objects: []runtime.Object{newService("pg", "10.0.0.1", selector), slicesFor("pg", pod)}, wanted: 1},
		"undeclared port": {
			objects: []runtime.Object{
				servicePorts(newService("pg", "10.0.0.1", selector), map[string]int32{"tcp": 5432}),
				slicePorts(slicesFor("pg", pod), map[string]int32{"tcp": 5433}),
			},
			pod:     undeclared,
			service: "pg",
			port:    5432,
		},
		"declared port without Service port": {
			objects: []runtime.Object{
				servicePorts(newService("web", "10.0.0.1", selector), map[string]int32{"http": 80}),
				slicePorts(slicesFor("web", pod), map[string]int32{"http": 8080}),
			},
		},
		"a Service of another Pod":    {objects: []runtime.Object{newService("pg", "10.0.0.1", selector), slicesFor("pg", other)}},
		"a slice without its Service": {objects: []runtime.Object{slicesFor("pg", pod)}},
		"unnamed port of the Service": {
			objects: []runtime.Object{
				servicePorts(newService("pg", "10.0.0.1", selector), map[string]int32{"else": 5432}),
				slicesFor("pg", pod),
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, append(test.objects, newPod(pod, test.pod...))...)
			e, err := server.NewFinder(cluster).Find(t.Context(), lessonRef, server.Choice{Port: test.wanted})
			if test.service == "" {
				require.ErrorContains(t, err, "no service in namespace data leads to port")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.service, e.Service)
			assert.Equal(t, test.port, e.Port)
			assert.Equal(t, test.replicas, e.HostReachesReplicas)
		})
	}
}

func TestFind_SetsAddress(t *testing.T) {
	const pod = "postgresql-sfs-0"
	selector := map[string]string{"app": "x"}
	terminating := slicesFor("pg", pod, "postgresql-sfs-1")
	terminating.Endpoints[1].Conditions.Terminating = new(true)
	dual := newService("pg", "10.0.0.1", selector)
	dual.Spec.ClusterIPs = []string{"10.0.0.1", "fd00::1"}
	for name, test := range map[string]struct {
		objects []runtime.Object
		choice  server.Choice
		address string
	}{
		"of the Service itself":     {objects: []runtime.Object{newService("pg", "10.0.0.1", selector), slicesFor("pg", pod)}, address: "10.0.0.1"},
		"of the only Pod":           {objects: []runtime.Object{newService("pg", headless, selector), slicesFor("pg", pod)}, address: "ip-of-postgresql-sfs-0"},
		"of the Pod that stays":     {objects: []runtime.Object{newService("pg", headless, selector), terminating}, address: "ip-of-postgresql-sfs-0"},
		"one of two families":       {objects: []runtime.Object{dual, slicesFor("pg", pod)}},
		"one of several":            {objects: []runtime.Object{newService("pg", headless, selector), slicesFor("pg", pod, "postgresql-sfs-1")}},
		"one of several slices":     {objects: []runtime.Object{newService("pg", headless, selector), slicesFor("pg", pod), renamed(slicesFor("pg", pod), "pg-v6")}},
		"of a host that was chosen": {objects: []runtime.Object{newService("pg", "10.0.0.1", selector), slicesFor("pg", pod)}, choice: server.Choice{Host: "db.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := server.NewFinder(newCluster(t, append(test.objects, newPod(pod))...)).Find(t.Context(), lessonRef, test.choice)
			require.NoError(t, err)
			assert.Equal(t, test.address, e.Address)
		})
	}
}

func renamed(slice *discoveryv1.EndpointSlice, name string) *discoveryv1.EndpointSlice {
	slice.Name = name
	return slice
}
