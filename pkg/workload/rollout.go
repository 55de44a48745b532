package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/kubectl/pkg/polymorphichelpers"
)

// WaitRollout waits until every new Pod of w, the version that Patch returned, is available. It passes each new line of the kind that
// kubectl rollout status prints to progress. If the user cannot watch the workload, it polls. A passed progress deadline, a deleted
// workload and the end of ctx (context.Cause) are errors. Only a workload with the RolloutKind Followed has anything to wait for.
func (c *Client) WaitRollout(ctx context.Context, w *Workload, progress func(string)) error {
	if w.Rollout().Kind != Followed {
		return nil
	}
	runners, err := c.runners(ctx, w)
	if err != nil {
		return fmt.Errorf("find what runs the Pods of %s: %w", w, err)
	}
	if len(runners) > 0 {
		for _, rollout := range runners {
			if err := c.WaitRollout(ctx, rollout.afterChangeOf(w), progress); err != nil {
				return err
			}
		}
		return nil
	}
	if w.kind.isCustom() && w.kind.status == nil {
		if err := c.waitPods(ctx, w, progress); err != nil {
			return fmt.Errorf("follow the rollout of %s in namespace %s: %w", w, w.Namespace(), err)
		}
		return nil
	}
	viewer, err := w.statusViewer()
	if err != nil {
		return fmt.Errorf("follow the rollout of %s: %w", w, err)
	}
	last := ""
	err = c.until(ctx, w, func(e watch.Event) (bool, error) {
		line, done, err := rolloutStatus(viewer, w, e)
		if line = strings.TrimSpace(line); line != "" && line != last {
			progress(line)
			last = line
		}
		return done, err
	})
	if err != nil {
		return fmt.Errorf("follow the rollout of %s in namespace %s: %w", w, w.Namespace(), err)
	}
	return nil
}

// until calls done with the workload, now and after every change, until done returns true.
func (c *Client) until(ctx context.Context, w *Workload, done watchtools.ConditionFunc) error {
	if err := context.Cause(ctx); err != nil {
		return err // the watch can end before its first event
	}
	watching, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, err := watchtools.UntilWithSync(watching, c.listWatch(watching, w, cancel), &unstructured.Unstructured{}, nil, done)
	cause := context.Cause(watching)
	if apierrors.IsForbidden(cause) {
		err = c.poll(ctx, w, done)
		cause = context.Cause(ctx)
	}
	if err != nil && cause != nil {
		return cause
	}
	return err
}

// poll reads the workload repeatedly, for a user who cannot watch it.
func (c *Client) poll(ctx context.Context, w *Workload, done watchtools.ConditionFunc) error {
	client := c.dynamic.Resource(w.kind.gvr()).Namespace(w.Namespace())
	return wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		found, err := client.Get(ctx, w.Name(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return done(watch.Event{Type: watch.Deleted, Object: w.object})
		}
		if err != nil {
			return false, err
		}
		return done(watch.Event{Type: watch.Modified, Object: found})
	})
}

// statusViewer returns the viewer of the rollout's status, if possible the one of kubectl.
func (w *Workload) statusViewer() (polymorphichelpers.StatusViewer, error) {
	if w.IsPod() {
		return podStatusViewer{}, nil
	}
	if w.kind.status != nil {
		return w.kind.status, nil
	}
	return polymorphichelpers.StatusViewerFor(w.Kind().GroupKind())
}

// podStatusViewer reports whether a Pod is ready, like the viewers of kubectl.
type podStatusViewer struct{}

// Status returns a line for the user and whether the wait is over. A Pod that failed is an error.
func (podStatusViewer) Status(obj runtime.Unstructured, _ int64) (string, bool, error) {
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.UnstructuredContent(), pod); err != nil {
		return "", false, fmt.Errorf("decode the Pod: %w", err)
	}
	switch {
	case pod.Status.Phase == corev1.PodFailed:
		return "", false, fmt.Errorf("pod %q failed: see kubectl logs %s --namespace %s", pod.Name, pod.Name, pod.Namespace)
	case pod.Status.Phase == corev1.PodSucceeded:
		return fmt.Sprintf("pod %q completed", pod.Name), true, nil
	case isReady(pod):
		return fmt.Sprintf("pod %q is ready", pod.Name), true, nil
	}
	return fmt.Sprintf("Waiting for pod %q to be ready...", pod.Name), false, nil
}

// waitingForProgress is the status while only the failure of an earlier rollout is known.
const waitingForProgress = "Waiting for the controller to make progress..."

// rolloutStatus evaluates one event of the watch.
func rolloutStatus(viewer polymorphichelpers.StatusViewer, w *Workload, e watch.Event) (string, bool, error) {
	obj, ok := e.Object.(*unstructured.Unstructured)
	if !ok {
		return "", false, apierrors.FromObject(e.Object)
	}
	if e.Type == watch.Deleted || obj.GetUID() != w.UID() {
		return "", false, errors.New("it was deleted")
	}
	// The first response can come from a cache of the API server that does not have the change yet. It would report the old Pods as done.
	if obj.GetGeneration() < w.object.GetGeneration() {
		return "", false, nil
	}
	line, done, err := viewer.Status(obj, 0)
	if err != nil && w.failedBefore(obj) {
		return waitingForProgress, false, nil
	}
	return line, done, err
}

// failedBefore reports whether o has the failure of the rollout before the change that led to w. Its condition stays until the new rollout
// makes progress, which takes longest if the controller goes back to Pods of an earlier template.
func (w *Workload) failedBefore(o *unstructured.Unstructured) bool {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w.object)
	if err != nil {
		return false
	}
	before := &unstructured.Unstructured{Object: content}
	if w.IsPod() || generationOf(before, "status.observedGeneration") >= w.object.GetGeneration() {
		return false // the conditions are about this version
	}
	return sameFailure(before, o)
}

// sameFailure reports whether two versions of an object have the same failed rollout.
func sameFailure(before, now *unstructured.Unstructured) bool {
	failure := failedCondition(before)
	return failure != nil && equality.Semantic.DeepEqual(failure, failedCondition(now))
}

// failedCondition returns the condition by which a rollout fails, or nil.
func failedCondition(o *unstructured.Unstructured) map[string]any {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, condition := range conditions {
		c, _ := condition.(map[string]any)
		if (c["type"] == "Progressing" || c["type"] == "Ready") && c["status"] == "False" {
			return c
		}
	}
	return nil
}

// listWatch lists and watches the one object. It calls fail with an error that waiting cannot resolve, because the watch library would
// retry forever.
func (c *Client) listWatch(caller context.Context, w *Workload, fail context.CancelCauseFunc) cache.ListerWatcher {
	client := c.dynamic.Resource(w.kind.gvr()).Namespace(w.Namespace())
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, w.Name()).String()
	check := func(err error) error {
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			fail(err)
		}
		return err
	}
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = only
			list, err := client.List(knowing{ctx, caller}, options) //nolint:contextcheck // the informer's context
			return list, check(err)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = only
			events, err := client.Watch(knowing{ctx, caller}, options) //nolint:contextcheck // as above
			return events, check(err)
		},
	}, c.dynamic)
}

// knowing adds the values of another context to an informer's, which has none: request tracing reads them.
type knowing struct {
	context.Context
	caller context.Context //nolint:containedctx // needed for its values
}

// Value implements context.Context.
func (k knowing) Value(key any) any {
	if value := k.Context.Value(key); value != nil {
		return value
	}
	return k.caller.Value(key)
}
