package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// defaultTolerationSeconds is the value that the admission plugin DefaultTolerationSeconds sets.
const defaultTolerationSeconds = 300

// submittable returns the Pod as its author would write it, without the fields that the API server and its admission plugins set: they
// would tie the new Pod to the old node or be rejected. Changes by other webhooks stay, because their metadata stays too.
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
	// Admission derives these fields from the priority class and the runtime class, and rejects other values.
	spec.Priority, spec.PreemptionPolicy, spec.Overhead = nil, nil, nil
	spec.Tolerations = slices.DeleteFunc(spec.Tolerations, isDefaultToleration)
	dropTokenVolume(spec)
	return out
}

// isDefaultToleration matches the tolerations that DefaultTolerationSeconds adds.
func isDefaultToleration(t corev1.Toleration) bool {
	return (t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable) &&
		t.Operator == corev1.TolerationOpExists && t.Effect == corev1.TaintEffectNoExecute &&
		t.TolerationSeconds != nil && *t.TolerationSeconds == defaultTolerationSeconds
}

// dropTokenVolume removes the service account's token, which admission mounts under a random name.
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

// serviceAccountPath is the mount path of the service account's token.
const serviceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// isInjectedTokenVolume reports whether the volume is a token for the API server, as the ServiceAccount admission adds it.
func isInjectedTokenVolume(spec *corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == name && v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool {
			return p.ServiceAccountToken != nil && p.ServiceAccountToken.Audience == ""
		})
	})
}
