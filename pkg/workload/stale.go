package workload

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// StalePods returns the Pods of the workload that do not have the current values of the Secret: the OutdatedPods, and the Pods that read
// it into variables before the time changed (if not zero). A mounted Secret is updated without a new Pod. It omits terminating Pods.
func (c *Client) StalePods(ctx context.Context, w *Workload, secret string, changed time.Time) ([]*corev1.Pod, error) {
	pods, err := c.Pods(ctx, w)
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool {
		outdated := !upToDate(pod.Annotations, &pod.Spec, w.template, secret) ||
			pod.CreationTimestamp.Time.Before(changed) && readsVariables(&pod.Spec, secret)
		return !outdated || pod.DeletionTimestamp != nil
	}), err
}

// IsFormer reports whether the Pod has a former template, and an object that creates it again with that template if it is deleted, such as
// a ReplicaSet.
func (w *Workload) IsFormer(pod *corev1.Pod, secret string) bool {
	created := w.kind.between.Kind != "" || w.kind.podLabel != ""
	return created && !upToDate(pod.Annotations, &pod.Spec, w.template, secret)
}

// readsVariables reports whether a container has the Secret's values in its environment.
func readsVariables(spec *corev1.PodSpec, secret string) bool {
	for u := range uses(spec, secret) {
		if u.form != InjectVolume {
			return true
		}
	}
	return false
}
