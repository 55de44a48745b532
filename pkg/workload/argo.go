package workload

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Rollout of Argo has a pod template of its own, or it refers to a Deployment and runs Pods with the template of that. Then the
// Deployment is what is bound, because it has the template.

// deploymentOf returns the name of the Deployment that a Rollout refers to; empty if it has a template of its own.
func deploymentOf(rollout object) string {
	o, ok := rollout.(*unstructured.Unstructured)
	if !ok || text(o, "spec.workloadRef.kind") != "Deployment" {
		return ""
	}
	return text(o, "spec.workloadRef.name")
}

// getRollout reads a Rollout. It returns the Deployment that the Rollout refers to, if it refers to one.
func (c *Client) getRollout(ctx context.Context, k kind, namespace, name string) (*Workload, error) {
	obj, err := c.readObject(ctx, k, namespace, name)
	if err != nil {
		return nil, err
	}
	referred := deploymentOf(obj)
	if referred == "" {
		return newWorkload(k, obj)
	}
	deployment, _ := kindFor(schema.GroupKind{Group: "apps", Kind: "Deployment"})
	w, err := c.read(ctx, deployment, namespace, referred)
	if err != nil {
		return nil, fmt.Errorf("%s refers to it: %w", QualifiedName(k.gvk.GroupKind(), name), err)
	}
	w.runBy = &Workload{kind: k, object: obj}
	return w, nil
}

// rolloutsOf returns the Rollouts that refer to the workload, if it is a Deployment. They run its Pods.
func (c *Client) rolloutsOf(ctx context.Context, w *Workload) ([]object, error) {
	if w.kind.gvk.Kind != "Deployment" {
		return nil, nil
	}
	served, err := c.servedKinds(ctx)
	if err != nil {
		return nil, err
	}
	var rollouts []object
	for _, k := range served {
		if k.gvk.Group != argoGroup {
			continue
		}
		found, err := c.list(ctx, k, w.Namespace(), "")
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
			return nil, err
		}
		for _, obj := range found {
			if deploymentOf(obj) == w.Name() {
				rollouts = append(rollouts, obj)
			}
		}
	}
	return rollouts, nil
}

// runners returns the Rollouts whose Pods are to be waited for instead of those of the workload: the one that the user named, or all that
// refer to a Deployment without Pods of its own.
func (c *Client) runners(ctx context.Context, w *Workload) ([]*Workload, error) {
	if w.runBy != nil {
		return []*Workload{w.runBy}, nil
	}
	deployment, ok := w.object.(*appsv1.Deployment)
	if !ok || deployment.Spec.Replicas == nil || *deployment.Spec.Replicas > 0 {
		return nil, nil
	}
	rollouts, err := c.rolloutsOf(ctx, w)
	k, _ := kindFor(schema.GroupKind{Group: argoGroup, Kind: "Rollout"})
	var runners []*Workload
	for _, rollout := range rollouts {
		runners = append(runners, &Workload{kind: k, object: rollout})
	}
	return runners, err
}

// afterChangeOf returns the Rollout with a status that also waits until its controller has observed this version of the Deployment.
func (w *Workload) afterChangeOf(deployment *Workload) *Workload {
	const path = "status.workloadObservedGeneration"
	after, changed := *w, deployment.object.GetGeneration()
	before, _ := w.object.(*unstructured.Unstructured)
	after.kind.status = func(o *unstructured.Unstructured) (string, bool, error) {
		if generationOf(o, path) < changed {
			return "Waiting for the controller to observe the change of " + deployment.String() + "...", false, nil
		}
		line, done, err := argoStatus(o)
		if err != nil && before != nil && generationOf(before, path) < changed && sameFailure(before, o) {
			return waitingForProgress, false, nil
		}
		return line, done, err
	}
	return &after
}
