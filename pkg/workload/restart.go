package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Restart deletes the OutdatedPods of a workload that does not replace them itself (ReplacePods), one by one. It waits until as many Pods
// are ready as before, so that a template that does not start costs one Pod. progress is called for each deletion. The end of ctx
// (context.Cause) is an error; deleted Pods are not restored, and the next call continues with the others.
func (c *Client) Restart(ctx context.Context, w *Workload, secret string, progress func(string)) error {
	outdated, err := c.OutdatedPods(ctx, w, secret)
	if err != nil {
		return err
	}
	return c.Replace(ctx, w, outdated, progress)
}

// Replace is Restart for these Pods.
func (c *Client) Replace(ctx context.Context, w *Workload, pods []*corev1.Pod, progress func(string)) error {
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			continue
		}
		if err := c.replace(ctx, w, pod, progress); err != nil {
			return fmt.Errorf("replace pod/%s of %s in namespace %s: %w", pod.Name, w, w.Namespace(), err)
		}
	}
	return nil
}

// restartedAt is the annotation of a template that kubectl rollout restart sets.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// RequestRestart changes the template, so that a controller that follows it replaces the Pods. kubectl rollout restart does the same.
func (w *Workload) RequestRestart(now time.Time) {
	metav1.SetMetaDataAnnotation(&w.template.ObjectMeta, restartedAt, now.UTC().Format(time.RFC3339))
}

// replace deletes one Pod and waits until its replacement is ready.
func (c *Client) replace(ctx context.Context, w *Workload, pod *corev1.Pod, progress func(string)) error {
	before, err := c.readyPods(ctx, w)
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("Replacing pod %q of %s...", pod.Name, w))
	if err := c.deletePod(ctx, pod); err != nil {
		return err
	}
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		now, err := c.readyPods(ctx, w)
		isOld := func(p *corev1.Pod) bool { return p.UID == pod.UID }
		return len(now) >= len(before) && !slices.ContainsFunc(now, isOld), err
	})
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return fmt.Errorf("its replacement is not ready: %w", cause)
	}
	return err
}

// readyPods returns the workload's Pods that are ready and not terminating.
func (c *Client) readyPods(ctx context.Context, w *Workload) ([]*corev1.Pod, error) {
	pods, err := c.Pods(ctx, w)
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil || !isReady(pod) }), err
}

// isReady reports whether the Pod has the condition Ready.
func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// deletePod deletes this Pod and not a newer one of its name. It is not an error if the Pod no longer exists.
func (c *Client) deletePod(ctx context.Context, pod *corev1.Pod) error {
	err := c.typed.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
		metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
