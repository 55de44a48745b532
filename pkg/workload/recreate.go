package workload

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// createTimeout is how long the creation of the new Pod may take after its predecessor is gone, whatever happened to the context.
const createTimeout = 30 * time.Second

// LostPodError says that a Pod was deleted and that its replacement does not exist.
type LostPodError struct {
	// Pod is what should have been created: its manifest is all that is left of the Pod.
	Pod *corev1.Pod
	Err error
}

// Error says what is gone, why, and how to get it back.
func (e *LostPodError) Error() string {
	return fmt.Sprintf("pod/%s in namespace %s was deleted but could not be created anew: %v: create it from its manifest with kubectl create -f", e.Pod.Name, e.Pod.Namespace, e.Err)
}

// Unwrap returns the cause.
func (e *LostPodError) Unwrap() error { return e.Err }

// RecreatePod replaces a bare Pod by an equal one to which change was applied. The API server is asked first, by a dry run under another
// name, whether it would accept the new one; only then is the old one deleted, its end awaited, and the new one created. From the
// deletion on the Pod is created even when ctx ends. It returns the new Pod, of which WaitRollout awaits the readiness, and false when
// change left the Pod as it is, in which case nothing was sent. With dryRun it stops after asking. A Pod that something controls or that
// a kubelet keeps from a file is refused; LostPodError means that the Pod is gone.
func (c *Client) RecreatePod(ctx context.Context, w *Workload, change func(*Workload) error, dryRun bool) (*Workload, bool, error) {
	old, ok := w.Object().(*corev1.Pod)
	if !ok {
		return nil, false, fmt.Errorf("%s is no Pod: nothing to recreate", w)
	}
	if err := checkRecreatable(w, old); err != nil {
		return nil, false, err
	}
	changed := w.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	if w.Equal(changed) {
		return w, false, nil
	}
	pod, _ := changed.Object().(*corev1.Pod)
	pod = submittable(pod)
	if err := c.tryCreate(ctx, pod); err != nil {
		return nil, false, err
	}
	if dryRun {
		result, err := newWorkload(w.kind, pod)
		return result, true, err
	}
	created, err := c.swap(ctx, old, pod)
	if err != nil {
		return nil, false, err
	}
	result, err := newWorkload(w.kind, created)
	return result, true, err
}

// checkRecreatable refuses Pods that come back by themselves in their old form.
func checkRecreatable(w *Workload, pod *corev1.Pod) error {
	if owner := w.Controller(); owner != nil {
		return fmt.Errorf("%s is controlled by %s: bind that instead", w, ownerName(owner))
	}
	if _, ok := pod.Annotations[corev1.MirrorPodAnnotationKey]; ok {
		return fmt.Errorf("%s is kept by the kubelet of node %s from a file: put the reference to the Secret into that file", w, pod.Spec.NodeName)
	}
	return nil
}

// tryCreate asks the API server whether it would accept the Pod, under another name since its own is taken.
func (c *Client) tryCreate(ctx context.Context, pod *corev1.Pod) error {
	trial := pod.DeepCopy()
	trial.Name, trial.GenerateName = "", pod.Name+"-"
	_, err := c.typed.CoreV1().Pods(pod.Namespace).Create(ctx, trial, metav1.CreateOptions{FieldManager: c.fieldManager, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("the API server would not accept the new pod/%s in namespace %s, so that the old one stays: %w", pod.Name, pod.Namespace, err)
	}
	return nil
}

// swap deletes the old Pod, waits for its end, and creates the new one. It is not interrupted by ctx, since half of it is a lost Pod.
func (c *Client) swap(ctx context.Context, old, pod *corev1.Pod) (*corev1.Pod, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	timeout := createTimeout
	if grace := old.Spec.TerminationGracePeriodSeconds; grace != nil {
		timeout += time.Duration(*grace) * time.Second
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := c.deletePod(ctx, old); err != nil {
		return nil, fmt.Errorf("delete pod/%s in namespace %s: %w", old.Name, old.Namespace, err)
	}
	pods := c.typed.CoreV1().Pods(pod.Namespace)
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		present, err := pods.Get(ctx, old.Name, metav1.GetOptions{})
		// Whatever else the API server answers, the Pod is going away and has to come back.
		return apierrors.IsNotFound(err) || (err == nil && present.UID != old.UID), nil
	})
	if err != nil {
		return nil, &LostPodError{Pod: pod, Err: fmt.Errorf("the old Pod does not end: %w", err)}
	}
	created, err := pods.Create(ctx, pod, metav1.CreateOptions{FieldManager: c.fieldManager})
	if err != nil {
		return nil, &LostPodError{Pod: pod, Err: err}
	}
	return created, nil
}
