package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// defaultTolerationSeconds is what the API server's DefaultTolerationSeconds admission gives every Pod.
const defaultTolerationSeconds = 300

// submittable returns the Pod as one would have written it: without what the API server and its admission plugins set, which would
// tie the new Pod to the old one's node or be refused. What other webhooks injected stays, since their own marks stay with it.
func submittable(pod *corev1.Pod) *corev1.Pod {
	out := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, Annotations: pod.Annotations,
			Finalizers: pod.Finalizers, OwnerReferences: pod.OwnerReferences,
		},
		Spec: *pod.Spec.DeepCopy(),
	}
	spec := &out.Spec
	spec.NodeName = ""
	spec.EphemeralContainers = nil
	// Admission derives these from the names of the priority class and the runtime class, and refuses other values.
	spec.Priority, spec.PreemptionPolicy, spec.Overhead = nil, nil, nil
	spec.Tolerations = slices.DeleteFunc(spec.Tolerations, isDefaultToleration)
	dropTokenVolume(spec)
	return out
}

// isDefaultToleration matches what DefaultTolerationSeconds adds.
func isDefaultToleration(t corev1.Toleration) bool {
	return (t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable) &&
		t.Operator == corev1.TolerationOpExists && t.Effect == corev1.TaintEffectNoExecute &&
		t.TolerationSeconds != nil && *t.TolerationSeconds == defaultTolerationSeconds
}

// dropTokenVolume removes the volume and the mounts of the service account's token, which admission adds under a random name.
func dropTokenVolume(spec *corev1.PodSpec) {
	names := map[string]bool{}
	for _, c := range containers(spec) {
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			injected := m.MountPath == serviceAccountPath && isInjectedTokenVolume(spec, m.Name)
			if injected {
				names[m.Name] = true
			}
			return injected
		})
	}
	for _, c := range containers(spec) {
		for _, m := range c.VolumeMounts {
			delete(names, m.Name)
		}
	}
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return names[v.Name] })
}

// serviceAccountPath is where the token of the service account is mounted.
const serviceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// isInjectedTokenVolume says whether the named volume holds a token for the API server, as the ServiceAccount admission writes it.
func isInjectedTokenVolume(spec *corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == name && v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool {
			return p.ServiceAccountToken != nil && p.ServiceAccountToken.Audience == ""
		})
	})
}
