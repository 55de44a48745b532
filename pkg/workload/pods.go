package workload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// pollInterval is the interval between lists of Pods while waiting.
const pollInterval = time.Second

// Pods returns the running Pods that the workload controls, directly or through its ReplicaSets or Jobs.
func (c *Client) Pods(ctx context.Context, w *Workload) ([]*corev1.Pod, error) {
	belongs, err := c.belongs(ctx, w)
	if err != nil {
		return nil, err
	}
	selector, err := w.podSelector()
	if err != nil {
		return nil, fmt.Errorf("select the Pods of %s: %w", w, err)
	}
	k, _ := kindFor(corev1.SchemeGroupVersion.WithKind("Pod").GroupKind())
	objects, err := c.list(ctx, k, w.Namespace(), selector)
	if err != nil {
		return nil, err
	}
	var pods []*corev1.Pod
	for _, obj := range objects {
		pod, ok := obj.(*corev1.Pod)
		if !ok || PodEnded(pod) {
			continue
		}
		ours, err := belongs(ctx, pod)
		if err != nil {
			return nil, err
		}
		if ours {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// list returns the objects of the kind in the namespace that match the label selector.
func (c *Client) list(ctx context.Context, k kind, namespace, selector string) ([]object, error) {
	if c.lists != nil {
		return c.lists.get(ctx, c, k, namespace)
	}
	return c.listNow(ctx, k, namespace, selector)
}

func (c *Client) listNow(ctx context.Context, k kind, namespace, selector string) ([]object, error) {
	var objects []object
	list, err := c.request("GET", k, namespace).
		VersionedParams(&metav1.ListOptions{LabelSelector: selector}, metav1.ParameterCodec).Do(ctx).Get()
	if err == nil {
		err = meta.EachListItem(list, func(item runtime.Object) error {
			if obj, ok := item.(object); ok {
				objects = append(objects, obj)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list %s in namespace %s: %w", k.resource, namespace, err)
	}
	return objects, nil
}

// podSelector returns the label selector of the workload's Pods.
func (w *Workload) podSelector() (string, error) {
	var selector *metav1.LabelSelector
	if w.kind.podLabel != "" {
		return labels.Set{w.kind.podLabel: w.Name()}.String(), nil
	}
	switch o := w.object.(type) {
	case *appsv1.Deployment:
		selector = o.Spec.Selector
	case *appsv1.StatefulSet:
		selector = o.Spec.Selector
	case *appsv1.DaemonSet:
		selector = o.Spec.Selector
	case *appsv1.ReplicaSet:
		selector = o.Spec.Selector
	case *corev1.ReplicationController:
		selector = &metav1.LabelSelector{MatchLabels: o.Spec.Selector}
	case *batchv1.CronJob, *batchv1.Job:
		// Every Pod of a Job has this label, even if the template has none.
		selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "job-name", Operator: metav1.LabelSelectorOpExists},
		}}
	default:
		selector = &metav1.LabelSelector{}
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return "", err
	}
	return parsed.String(), nil
}

// controllerUID returns the UID of the object's controller, or "".
func controllerUID(obj metav1.Object) types.UID {
	if owner := metav1.GetControllerOf(obj); owner != nil {
		return owner.UID
	}
	return ""
}

// OutdatedPods returns the Pods of the workload that differ from its current template in their use of the Secret or in the generation of
// its login role. It ignores changes by admission.
func (c *Client) OutdatedPods(ctx context.Context, w *Workload, secret string) ([]*corev1.Pod, error) {
	pods, err := c.Pods(ctx, w)
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return upToDate(pod.Annotations, &pod.Spec, w.template, secret) }), err
}

// upToDate reports whether a Pod, or its template, uses the Secret in the same way as the template t.
func upToDate(annotations map[string]string, spec *corev1.PodSpec, t *corev1.PodTemplateSpec, secretName string) bool {
	if generation := secret.GenerationAnnotation(secretName); annotations[generation] != t.Annotations[generation] {
		return false
	}
	return maps.Equal(uses(spec, secretName), uses(&t.Spec, secretName))
}

// WaitOutdatedGone waits until OutdatedPods is empty. This can be later than the end of a rollout, because an old Pod can take long to
// terminate and the active Jobs of a CronJob continue. progress is called when the list changes.
// If ctx ends (context.Cause), the error names the remaining Pods and Jobs.
func (c *Client) WaitOutdatedGone(ctx context.Context, w *Workload, secret string, progress func(string)) error {
	return waitGone(ctx, progress, func(ctx context.Context) (string, error) {
		return c.Outdated(ctx, w, secret)
	})
}

// waitGone waits until list returns nothing.
func waitGone(ctx context.Context, progress func(string), list func(context.Context) (string, error)) error {
	left := ""
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		names, err := list(ctx)
		if err != nil || names == "" {
			return err == nil, err
		}
		if names != left {
			left = names
			progress("Waiting for Pods and Jobs with the former credentials to end" + TimeLeft(ctx) + ": " + left)
		}
		return false, nil
	})
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return fmt.Errorf("wait for Pods and Jobs with the former credentials to end (%s): %w", left, cause)
	}
	return err
}

// TimeLeft returns how long a wait can take, in brackets, or nothing if ctx has no deadline.
func TimeLeft(ctx context.Context) string {
	deadline, limited := ctx.Deadline()
	if !limited {
		return ""
	}
	return fmt.Sprintf(" (at most %s more)", time.Until(deadline).Round(time.Second))
}

// outdatedJobs returns the names of the active Jobs of a CronJob that have an older template and can start more Pods.
func (c *Client) outdatedJobs(ctx context.Context, w *Workload, secret string) ([]string, error) {
	if _, ok := w.object.(*batchv1.CronJob); !ok {
		return nil, nil
	}
	k, _ := kindFor(batchv1.SchemeGroupVersion.WithKind("Job").GroupKind())
	objects, err := c.list(ctx, k, w.Namespace(), "")
	var names []string
	for _, obj := range objects {
		job, err := newWorkload(k, obj)
		if err == nil && controllerUID(obj) == w.UID() && !ended(job) &&
			!upToDate(job.template.Annotations, &job.template.Spec, w.template, secret) {
			names = append(names, job.String())
		}
	}
	return names, err
}

// podNames returns the names.
func podNames(pods []*corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		names = append(names, "pod/"+pod.Name)
	}
	return names
}
