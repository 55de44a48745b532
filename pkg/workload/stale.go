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

// IsFormer reports whether the Pod has a former template that the controller is replacing. Neither a restart nor a deletion of the Pod makes
// that faster: what keeps the new Pods from becoming ready does so again.
func (w *Workload) IsFormer(pod *corev1.Pod, secret string) bool {
	replaces := !w.kind.isCustom() || w.kind.between.Kind != "" || w.kind.podLabel != ""
	return replaces && !upToDate(pod.Annotations, &pod.Spec, w.template, secret)
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
