package server

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Ranks of Services for applications that write. A lower rank is better.
const (
	asNamed      = iota // the user named it
	toPrimary           // follows the primary, as its labels say
	managed             // its endpoints are set by something that follows the primary
	toThisPod           // currently leads to no other Pod
	pinnedToPod         // leads to this Pod even if another becomes the primary
	toAllMembers        // also leads to replicas
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

// routeTarget describes the server that a Service must lead to.
type routeTarget struct {
	pod       *corev1.Pod
	product   product
	port      int32
	portKnown bool
	wanted    int32  // port of the Service; 0: any
	named     string // Service that the user named; empty: any
}

// routeTo returns the best Service for applications to reach e. If there is none, the error suggests what to do.
func (n *network) routeTo(t routeTarget) (*route, error) {
	var routes []route
	for i := range n.services {
		service := &n.services[i]
		if t.product.replicasAmong(service.Spec.Selector) {
			continue // it leads to the server only until its endpoints follow the last failover
		}
		r := n.routeBy(service, t)
		if r == nil {
			r = t.leaderRoute(service)
		}
		if r != nil {
			routes = append(routes, *r)
		}
	}
	if len(routes) == 0 {
		port := cmp.Or(t.wanted, t.port)
		return nil, fmt.Errorf(
			"no service in namespace %s leads to port %d of pod/%s: create one, or name the database's address with --host",
			t.pod.Namespace, port, t.pod.Name,
		)
	}
	best := slices.MinFunc(routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), compareBool(a.headless, b.headless),
			cmp.Compare(len(a.service), len(b.service)), cmp.Compare(a.service, b.service))
	})
	return &best, nil
}

// routeBy returns the route through service to e, or nil if it does not lead there.
func (n *network) routeBy(service *corev1.Service, t routeTarget) *route {
	headless := service.Spec.ClusterIP == corev1.ClusterIPNone
	var found *route
	var members []member
	for _, b := range n.backends {
		if b.service != service.Name {
			continue
		}
		members = append(members, b.members...)
		if found == nil && b.leadsTo(t.pod) {
			if port := t.portBy(service, b, headless); port != 0 {
				found = &route{service: service.Name, port: port, headless: headless}
			}
		}
	}
	if found == nil {
		return nil
	}
	others := slices.ContainsFunc(members, func(m member) bool { return !m.is(t.pod) })
	found.address = addressOf(service, members)
	found.rank = t.rank(service, others)
	found.others = others && !t.product.leads(service, t.pod)
	return found
}

// addressOf returns the address that DNS returns for a Service with these members, or an empty string if there can be several.
func addressOf(service *corev1.Service, members []member) string {
	switch {
	case len(service.Spec.ClusterIPs) > 1:
	case service.Spec.ClusterIP != corev1.ClusterIPNone:
		return service.Spec.ClusterIP
	case len(members) == 1:
		return members[0].address()
	}
	return ""
}

// portBy returns the port of service through which b reaches the server, or 0.
func (t routeTarget) portBy(service *corev1.Service, b backend, headless bool) int32 {
	if headless && len(b.ports) == 0 {
		b.ports = []backendPort{{number: t.port}}
	}
	for _, matches := range t.portRules(len(b.ports) == 1) {
		for _, p := range b.ports {
			if port := servicePort(service, p, headless); matches(p) && port != 0 && (t.wanted == 0 || port == t.wanted) {
				return port
			}
		}
	}
	return 0
}

// portRules returns how to recognize the server's port, the surest first. only means that there is no other port.
func (t routeTarget) portRules(only bool) []func(backendPort) bool {
	return []func(backendPort) bool{
		func(p backendPort) bool { return p.number == t.port },
		func(p backendPort) bool { return isPostgresPortName(p.name) },
		func(backendPort) bool { return only && !t.portKnown || t.wanted != 0 },
	}
}

// servicePort returns the port of service that leads to p. The name of a headless Service resolves to the members themselves.
func servicePort(service *corev1.Service, p backendPort, headless bool) int32 {
	if headless {
		return p.number
	}
	i := slices.IndexFunc(service.Spec.Ports, func(s corev1.ServicePort) bool { return s.Name == p.name })
	if i < 0 {
		return 0
	}
	return service.Spec.Ports[i].Port
}

func (t routeTarget) rank(service *corev1.Service, others bool) int {
	selector := service.Spec.Selector
	_, pinned := selector[appsv1.StatefulSetPodNameLabel]
	switch {
	case service.Name == t.named:
		return asNamed
	case t.product.primaryAmong(selector), len(selector) == 0 && t.product.primaryAmong(service.Labels):
		return toPrimary
	case len(selector) == 0 && !others:
		return managed
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
