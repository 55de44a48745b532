package server

import (
	corev1 "k8s.io/api/core/v1"
)

// product describes the labels that an operator or a chart sets on its Pods. Labels are hints: only the server knows whether it is the
// primary.
type product struct {
	name      string
	labels    map[string]string // of all its Pods; an empty value matches any
	cluster   string            // label that identifies a server in a namespace; may be empty
	scope     string            // label with the name that Patroni has for the server, if that is not the one of cluster
	roles     []string          // labels of which one names the role
	primary   []string          // values of that label for the primary
	container string
}

// products lists the known products, the more specific first.
func products() []product {
	return []product{cloudNativePG(), crunchy(), stackGres(), zalando(), bitnami(), patroni()}
}

// productOf returns the product that created pod, or bare() if it is unknown.
func productOf(pod *corev1.Pod) product {
	for _, p := range products() {
		if p.made(pod) {
			return p
		}
	}
	return bare()
}

func (p product) made(pod *corev1.Pod) bool {
	for label, want := range p.labels {
		if value, ok := pod.Labels[label]; !ok || want != "" && value != want {
			return false
		}
	}
	return true
}
