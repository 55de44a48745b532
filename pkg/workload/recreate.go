package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// createTimeout limits the creation of the new Pod after the old one is deleted. It also applies if the context has ended.
const createTimeout = 30 * time.Second

// LostPodError reports that a Pod was deleted and its replacement could not be created.
type LostPodError struct {
	// Pod is the replacement. Its manifest is all that is left of the Pod.
	Pod *corev1.Pod
	Err error
}

// Error names the Pod, the cause and the command that creates it.
func (e *LostPodError) Error() string {
	return fmt.Sprintf("pod/%s in namespace %s was deleted but could not be created again: %v: create it from its "+
		"manifest with kubectl create -f", e.Pod.Name, e.Pod.Namespace, e.Err)
}

// Unwrap returns the cause.
func (e *LostPodError) Unwrap() error { return e.Err }

// RecreatePod replaces a bare Pod with a copy to which change was applied. It first verifies with a dry run, under another name, that
// the API server accepts the copy. Then it deletes the old Pod, waits for its end and creates the new one; after the deletion it
// creates the new Pod even if ctx ends. It returns the new Pod, which may not be ready yet (see WaitRollout). It returns false if change
// changed nothing; then it sent no request. With dryRun it stops after the dry run. It rejects Pods that have a controller or that a
// kubelet runs from a file. A LostPodError means that the Pod is lost.
func (c *Client) RecreatePod(ctx context.Context, w *Workload, change func(*Workload) error, dryRun bool) (*Workload, bool, error) {
	old, ok := w.Object().(*corev1.Pod)
	if !ok {
		return nil, false, fmt.Errorf("%s is not a Pod and cannot be recreated", w)
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
	as := *c
	as.fieldManager = c.manager(w)
	if err := as.tryCreate(ctx, pod); err != nil {
		return nil, false, err
	}
	if dryRun {
		result, err := newWorkload(w.kind, pod)
		return result, true, err
	}
	created, err := as.swap(ctx, old, pod)
	if err != nil {
		return nil, false, err
	}
	result, err := newWorkload(w.kind, created)
	return result, true, err
}

// checkRecreatable rejects Pods that something else would create again in their old form.
func checkRecreatable(w *Workload, pod *corev1.Pod) error {
	if owner := w.Controller(); owner != nil {
		return fmt.Errorf("%s is controlled by %s: bind that instead", w, ownerName(owner))
	}
	if _, ok := pod.Annotations[corev1.MirrorPodAnnotationKey]; ok {
		return fmt.Errorf("%s is a static Pod of node %s: add the reference to the Secret to its file on the node", w, pod.Spec.NodeName)
	}
	return nil
}

// tryCreate verifies with a dry run that the API server accepts the Pod. It uses another name, because the Pod's own is in use.
func (c *Client) tryCreate(ctx context.Context, pod *corev1.Pod) error {
	trial := pod.DeepCopy()
	trial.Name, trial.GenerateName = "", pod.Name+"-"
	_, err := c.typed.CoreV1().Pods(pod.Namespace).Create(ctx, trial,
		metav1.CreateOptions{FieldManager: c.fieldManager, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("the API server would not accept the new pod/%s in namespace %s, so the old one was kept: %w",
			pod.Name, pod.Namespace, err)
	}
	return nil
}

// swap deletes the old Pod, waits for its end and creates the new one. It ignores the end of ctx, because stopping halfway loses the Pod.
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
		// After any other response the Pod may be terminating, so it must be created again.
		return apierrors.IsNotFound(err) || (err == nil && present.UID != old.UID), nil
	})
	if err != nil {
		return nil, &LostPodError{Pod: pod, Err: fmt.Errorf("the old Pod does not end: %w", err)}
	}
	created, err := c.create(ctx, pod)
	if err != nil {
		return nil, &LostPodError{Pod: pod, Err: err}
	}
	return created, nil
}

// create creates the Pod. If the connection breaks, the API server can have created it, so create tries again until ctx
// ends, and then accepts a Pod of this name that has the same annotations.
func (c *Client) create(ctx context.Context, pod *corev1.Pod) (created *corev1.Pod, err error) {
	pods, broken := c.typed.CoreV1().Pods(pod.Namespace), error(nil)
	ended := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		created, err = pods.Create(ctx, pod, metav1.CreateOptions{FieldManager: c.fieldManager})
		if broken != nil && apierrors.IsAlreadyExists(err) {
			created, err = pods.Get(ctx, pod.Name, metav1.GetOptions{})
			if err == nil && !hasAll(created.Annotations, pod.Annotations) {
				err = fmt.Errorf("another writer created it: %w", broken)
			}
		}
		if status := apierrors.APIStatus(nil); err == nil || errors.As(err, &status) || broken != nil && errors.Is(err, broken) {
			return true, nil
		}
		broken = err
		return false, nil
	})
	if ended != nil {
		return nil, broken
	}
	return created, err
}

// hasAll reports whether all wanted annotations are set.
func hasAll(annotations, wanted map[string]string) bool {
	for key, value := range wanted {
		if annotations[key] != value {
			return false
		}
	}
	return true
}
