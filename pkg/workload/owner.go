package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// TopOwner follows the controllers of w upward and returns the last one in the form of kubectl ("deployment.apps/web"), or "" if w has
// no controller. It stops at an owner that cannot be read or does not exist, and returns that owner.
func (c *Client) TopOwner(ctx context.Context, w *Workload) (string, error) {
	top := ""
	for owner := w.Controller(); owner != nil; owner = w.Controller() {
		top = ownerName(owner)
		next, err := c.owner(ctx, w.Namespace(), *owner)
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || meta.IsNoMatchError(err) {
			return top, nil
		}
		if err != nil {
			return "", err
		}
		w = &Workload{object: next}
	}
	return top, nil
}

// owner reads an owner of any kind. meta.IsNoMatchError holds for the error if the API server does not serve the kind.
func (c *Client) owner(ctx context.Context, namespace string, ref metav1.OwnerReference) (object, error) {
	gvk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	if k, known := kindFor(gvk.GroupKind()); known {
		k.gvk.Version = gvk.Version
		return c.readObject(ctx, k, namespace, ref.Name)
	}
	mapper, err := c.getter.ToRESTMapper()
	if err != nil {
		return nil, fmt.Errorf("find the kinds of the cluster: %w", err)
	}
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, fmt.Errorf("find the kind of %s: %w", ownerName(&ref), err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return nil, apierrors.NewNotFound(mapping.Resource.GroupResource(), ref.Name)
	}
	return c.readObject(ctx, mappedKind(mapping), namespace, ref.Name)
}

// belongs returns a function that reports whether a Pod belongs to the workload.
func (c *Client) belongs(ctx context.Context, w *Workload) (func(context.Context, *corev1.Pod) (bool, error), error) {
	if w.kind.podLabel != "" {
		return func(_ context.Context, pod *corev1.Pod) (bool, error) {
			return pod.Labels[w.kind.podLabel] == w.Name(), nil
		}, nil
	}
	if _, known := kindFor(w.kind.gvk.GroupKind()); !known {
		return c.descendant(w), nil
	}
	owners, err := c.podOwners(ctx, w)
	return func(_ context.Context, pod *corev1.Pod) (bool, error) {
		return owners[controllerUID(pod)] || pod.UID == w.UID(), nil
	}, err
}

// maxOwners is the number of owners that are followed, against a circle.
const maxOwners = 10

// descendant returns a function that follows the controllers of a Pod up to the workload. It reads each owner once.
func (c *Client) descendant(w *Workload) func(context.Context, *corev1.Pod) (bool, error) {
	read := map[types.UID]*metav1.OwnerReference{} // the controller of each owner; nil: none
	return func(ctx context.Context, pod *corev1.Pod) (bool, error) {
		ref := metav1.GetControllerOf(pod)
		for range maxOwners {
			if ref == nil || ref.UID == w.UID() {
				return ref != nil, nil
			}
			next, known := read[ref.UID]
			if !known {
				owner, err := c.owner(ctx, w.Namespace(), *ref)
				switch {
				case err == nil:
					next = metav1.GetControllerOf(owner)
				case !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err):
					return false, err
				}
				read[ref.UID] = next
			}
			ref = next
		}
		return false, nil
	}
}

// podOwners returns the UIDs of the possible controllers of the workload's Pods.
func (c *Client) podOwners(ctx context.Context, w *Workload) (map[types.UID]bool, error) {
	owners := map[types.UID]bool{w.UID(): true}
	if w.kind.between.Kind == "" {
		return owners, nil
	}
	rollouts, err := c.rolloutsOf(ctx, w)
	if err != nil {
		return nil, err
	}
	above := map[types.UID]bool{w.UID(): true}
	for _, rollout := range rollouts {
		above[rollout.GetUID()] = true
	}
	selector := ""
	if w.kind.gvk.Kind == "Deployment" && len(rollouts) == 0 {
		// The Deployment finds its ReplicaSets by the same selector. A Rollout can have another one.
		if selector, err = w.podSelector(); err != nil {
			return nil, fmt.Errorf("select the ReplicaSets of %s: %w", w, err)
		}
	}
	k, _ := kindFor(w.kind.between)
	objects, err := c.list(ctx, k, w.Namespace(), selector)
	for _, obj := range objects {
		if above[controllerUID(obj)] {
			owners[obj.GetUID()] = true
		}
	}
	return owners, err
}
