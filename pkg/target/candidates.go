package target

import corev1 "k8s.io/api/core/v1"

// Candidates returns references to the Pods that may run a server, according to their labels, ports and images.
func Candidates(pods []corev1.Pod) []Ref {
	var refs []Ref
	for i := range pods {
		if looksLikePostgres(&pods[i]) {
			refs = append(refs, Ref{Kind: KindPod, Name: pods[i].Name, Namespace: pods[i].Namespace})
		}
	}
	return refs
}
