package target

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// product is what an operator or a chart tells about its Pods by their labels. Labels are hints: the server itself
// knows best whether it is the primary.
type product struct {
	name      string
	labels    map[string]string // that all its Pods have; an empty value stands for any
	cluster   string            // label that tells its servers in a namespace apart; empty if there is none
	roles     []string          // labels of which one tells the primary
	primary   []string          // values of that label
	container string
}

// products lists all that are known, the more specific first.
func products() []product {
	return []product{cloudNativePG(), crunchy(), stackGres(), zalando(), bitnami(), patroni()}
}

// productOf returns the product that made pod; bare() if none is known.
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

// primaryAmong tells whether labels, of a Pod or in a Service's selector, say that it is the primary.
func (p product) primaryAmong(labels map[string]string) bool {
	return slices.ContainsFunc(p.roles, func(role string) bool { return slices.Contains(p.primary, labels[role]) })
}
