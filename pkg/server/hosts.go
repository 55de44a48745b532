package server

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// defaultClusterDomain is the domain of a cluster that was set up without another one.
const defaultClusterDomain = "cluster.local"

// Hosts returns all names and addresses under which the workloads of a namespace can reach the server: those of its
// Services, of its Pod, and the host that the caller chose. If the caller chose one, the Services are not known.
func (e *Endpoint) Hosts(namespace string) []string {
	var hosts []string
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && name != corev1.ClusterIPNone && !slices.Contains(hosts, name) {
				hosts = append(hosts, name)
			}
		}
	}
	addName := func(name string) {
		if namespace == e.Pod.Namespace {
			add(name)
		}
		name += "." + e.Pod.Namespace
		add(name, name+".svc", name+".svc."+defaultClusterDomain)
		if e.ClusterDomain != "" {
			add(name + ".svc." + e.ClusterDomain)
		}
	}
	add(e.Host)
	services := e.network.servicesOf(e.Pod)
	for _, service := range services {
		addName(service.Name)
		if e.Pod.Spec.Hostname != "" && e.Pod.Spec.Subdomain == service.Name {
			addName(e.Pod.Spec.Hostname + "." + service.Name)
		}
		add(service.Spec.ClusterIP)
		add(service.Spec.ClusterIPs...)
		add(service.Spec.ExternalIPs...)
	}
	if len(services) == 0 && e.Service != "" {
		addName(e.Service)
	}
	add(e.Address, e.PodIP)
	return hosts
}

// ReachesReplicas reports whether a host of Hosts is the name of a Service that also leads to other Pods than the primary.
func (e *Endpoint) ReachesReplicas(host string) bool {
	p := productOf(e.Pod)
	for _, service := range e.network.servicesOf(e.Pod) {
		name, rest, _ := strings.Cut(host, ".")
		if name != service.Name || rest != "" && rest != e.Pod.Namespace && !strings.HasPrefix(rest, e.Pod.Namespace+".svc") ||
			p.leads(&service, e.Pod) {
			continue
		}
		return p.replicasAmong(service.Spec.Selector) || slices.ContainsFunc(e.network.backends, func(b backend) bool {
			return b.service == service.Name && slices.ContainsFunc(b.members, func(m member) bool { return !m.is(e.Pod) })
		})
	}
	return false
}

// servicesOf returns the Services that lead to a Pod, or none if they were not read.
func (n *network) servicesOf(pod *corev1.Pod) []corev1.Service {
	if n == nil {
		return nil
	}
	var found []corev1.Service
	for _, service := range n.services {
		if slices.ContainsFunc(n.backends, func(b backend) bool { return b.service == service.Name && b.leadsTo(pod) }) {
			found = append(found, service)
		}
	}
	return found
}
