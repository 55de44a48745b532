package workload

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// StalePods lists the workload's Pods that do not have what the Secret holds by now: the OutdatedPods, and those that read it into
// variables before the time changed. With the zero time only the former. A mounted Secret is followed without a new Pod. Those that are
// about to end are left out.
func (c *Client) StalePods(ctx context.Context, w *Workload, secret string, changed time.Time) ([]*corev1.Pod, error) {
	pods, err := c.Pods(ctx, w)
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool {
		outdated := !upToDate(pod.Annotations, &pod.Spec, w.template, secret) || pod.CreationTimestamp.Time.Before(changed) && readsVariables(&pod.Spec, secret)
		return !outdated || pod.DeletionTimestamp != nil
	}), err
}

// readsVariables says whether a container has the Secret's values in its environment.
func readsVariables(spec *corev1.PodSpec, secret string) bool {
	for u := range uses(spec, secret) {
		if u.form != InjectVolume {
			return true
		}
	}
	return false
}
