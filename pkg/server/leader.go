package server

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// roleLabel is how the labels end in which tools keep the role of a Pod.
const roleLabel = "role"

// roleKeys returns the labels that name a role: those of the product, or else those with the usual name.
func (p product) roleKeys(labels map[string]string) []string {
	if len(p.roles) > 0 {
		return p.roles
	}
	var keys []string
	for key := range labels {
		if strings.HasSuffix(strings.ToLower(key), roleLabel) {
			keys = append(keys, key)
		}
	}
	return keys
}

// primaryAmong reports whether the labels, of a Pod or of a Service or in its selector, identify the primary.
func (p product) primaryAmong(labels map[string]string) bool {
	primary := p.primary
	if len(primary) == 0 {
		primary = []string{"primary", "master", "leader"}
	}
	return slices.ContainsFunc(p.roleKeys(labels), func(key string) bool { return slices.Contains(primary, labels[key]) })
}

// replicasAmong reports whether the labels identify replicas.
func (p product) replicasAmong(labels map[string]string) bool {
	return slices.ContainsFunc(p.roleKeys(labels), func(key string) bool {
		return slices.Contains([]string{"replica", "standby", "secondary", "slave", "follower", "read"}, labels[key])
	})
}

// leads reports whether the labels say that the Service leads to the primary of the server of a Pod. Where it leads now
// does not count: during a failover, that is nowhere, or the former primary.
func (p product) leads(service *corev1.Service, pod *corev1.Pod) bool {
	if len(service.Spec.Ports) == 0 || p.replicasAmong(service.Labels) {
		return false
	}
	if selector := service.Spec.Selector; len(selector) > 0 {
		return p.primaryAmong(selector) && p.selectsServer(selector, pod)
	}
	for _, key := range []string{p.cluster, p.scope} {
		if name := pod.Labels[key]; key != "" && name != "" && service.Name == name {
			return true // Patroni sets the endpoints of the Service with its own name
		}
	}
	return p.primaryAmong(service.Labels) && p.cluster != "" && service.Labels[p.cluster] == pod.Labels[p.cluster]
}

// selectsServer reports whether a selector selects the server of a Pod, whatever the role of the Pod is.
func (p product) selectsServer(selector map[string]string, pod *corev1.Pod) bool {
	roles, others := p.roleKeys(selector), 0
	for key, value := range selector {
		if slices.Contains(roles, key) {
			continue
		}
		if others++; pod.Labels[key] != value {
			return false
		}
	}
	return others > 0
}

// isMember reports whether the Pod is of the server whose primary the Service leads to. Some products have several
// servers with equal labels.
func isMember(service *corev1.Service, pod *corev1.Pod) bool {
	p := productOf(pod)
	return (p.cluster != "" || p.name == "") && looksLikePostgres(pod) && p.leads(service, pod)
}

// withoutRoles returns a selector of a Service for the Pods of all roles.
func withoutRoles(selector map[string]string) map[string]string {
	all := map[string]string{}
	for key, value := range selector {
		known := slices.ContainsFunc(products(), func(p product) bool { return slices.Contains(p.roles, key) })
		if !known && !strings.HasSuffix(strings.ToLower(key), roleLabel) {
			all[key] = value
		}
	}
	return all
}

// leaderRoute returns the route through a Service that leads to the primary, but does not lead to the server at the moment, or nil.
func (t routeTarget) leaderRoute(service *corev1.Service) *route {
	if !t.product.leads(service, t.pod) {
		return nil
	}
	r := &route{
		service:  service.Name,
		rank:     t.rank(service, false),
		headless: service.Spec.ClusterIP == corev1.ClusterIPNone,
		address:  addressOf(service, nil),
	}
	for _, matches := range t.portRules(len(service.Spec.Ports) == 1) {
		for _, port := range service.Spec.Ports {
			target := backendPort{name: port.Name, number: port.TargetPort.IntVal}
			if target.number == 0 && port.TargetPort.StrVal == "" {
				target.number = port.Port
			}
			if !matches(target) || t.wanted != 0 && port.Port != t.wanted {
				continue
			}
			if r.port = port.Port; r.headless {
				r.port = t.port
			}
			return r
		}
	}
	return nil
}
