package target

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// How well a Service serves applications that write: the lower the better.
const (
	asNamed      = iota // the user named it
	toPrimary           // it follows the primary
	toThisPod           // it leads to no other Pod at present
	pinnedToPod         // it leads to this Pod even after another has become the primary
	toAllMembers        // it also leads to replicas
)

// route is a Service that leads to the server, and its port.
type route struct {
	service  string
	port     int32
	rank     int
	address  string // see Database
	headless bool
	others   bool
}

// endpoint is the server as Services lead to it.
type endpoint struct {
	pod       *corev1.Pod
	product   product
	port      int32
	portKnown bool
	wanted    int32  // port that the Service must have, if not 0
	named     string // Service that the user named, if any
}

// routeTo chooses the Service by which applications best reach e. The error tells what to do if there is none.
func (n *network) routeTo(e endpoint) (*route, error) {
	var routes []route
	for _, service := range n.services {
		if r := n.routeBy(service, e); r != nil {
			routes = append(routes, *r)
		}
	}
	if len(routes) == 0 {
		port := cmp.Or(e.wanted, e.port)
		return nil, fmt.Errorf("no service in namespace %s leads to port %d of pod/%s: create one, or name the database's address with --host",
			e.pod.Namespace, port, e.pod.Name)
	}
	best := slices.MinFunc(routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), compareBool(a.headless, b.headless), cmp.Compare(len(a.service), len(b.service)), cmp.Compare(a.service, b.service))
	})
	return &best, nil
}

// routeBy tells how service leads to e; nil if it does not.
func (n *network) routeBy(service corev1.Service, e endpoint) *route {
	headless := service.Spec.ClusterIP == corev1.ClusterIPNone
	var found *route
	var members []member
	for _, b := range n.backends {
		if b.service != service.Name {
			continue
		}
		members = append(members, b.members...)
		if found == nil && b.leadsTo(e.pod) {
			if port := e.portBy(service, b, headless); port != 0 {
				found = &route{service: service.Name, port: port, headless: headless}
			}
		}
	}
	if found == nil {
		return nil
	}
	others := slices.ContainsFunc(members, func(m member) bool { return !m.is(e.pod) })
	found.address = addressOf(service, members)
	found.rank = e.rank(service, others)
	found.others = others && !e.product.primaryAmong(service.Spec.Selector)
	return found
}

// addressOf is what the cluster's DNS has for the name of a Service with these members; empty where that may be one of several.
func addressOf(service corev1.Service, members []member) string {
	switch {
	case len(service.Spec.ClusterIPs) > 1:
	case service.Spec.ClusterIP != corev1.ClusterIPNone:
		return service.Spec.ClusterIP
	case len(members) == 1:
		return members[0].ip
	}
	return ""
}

// portBy is the port at which service, by b, leads to the server; 0 if none does.
func (e endpoint) portBy(service corev1.Service, b backend, headless bool) int32 {
	if headless && len(b.ports) == 0 {
		b.ports = []backendPort{{number: e.port}}
	}
	for _, matches := range []func(backendPort) bool{
		func(p backendPort) bool { return p.number == e.port },
		func(p backendPort) bool { return isPostgresPortName(p.name) },
		func(backendPort) bool { return len(b.ports) == 1 && !e.portKnown || e.wanted != 0 },
	} {
		for _, p := range b.ports {
			if port := servicePort(service, p, headless); matches(p) && port != 0 && (e.wanted == 0 || port == e.wanted) {
				return port
			}
		}
	}
	return 0
}

// servicePort is the port of service that leads to p. The name of a headless Service stands for the members themselves.
func servicePort(service corev1.Service, p backendPort, headless bool) int32 {
	if headless {
		return p.number
	}
	i := slices.IndexFunc(service.Spec.Ports, func(s corev1.ServicePort) bool { return s.Name == p.name })
	if i < 0 {
		return 0
	}
	return service.Spec.Ports[i].Port
}

func (e endpoint) rank(service corev1.Service, others bool) int {
	selector := service.Spec.Selector
	_, pinned := selector[appsv1.StatefulSetPodNameLabel]
	switch {
	case service.Name == e.named:
		return asNamed
	case e.product.primaryAmong(selector), len(selector) == 0 && !others:
		return toPrimary
	case others:
		return toAllMembers
	case pinned:
		return pinnedToPod
	}
	return toThisPod
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
