package server

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// PoolerOf returns the product of the connection pooler that is the Pod's only job; empty if it is none. An application
// can have one as a sidecar.
func PoolerOf(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		image := strings.ToLower(c.Image[strings.LastIndex(c.Image, "/")+1:])
		for _, product := range []string{"pgbouncer", "pgpool", "odyssey", "pgcat", "pgdog", "supavisor"} {
			if strings.Contains(image, product) && (len(pod.Spec.Containers) == 1 || c.Name == pod.Spec.Containers[0].Name) {
				return product
			}
		}
	}
	return ""
}
