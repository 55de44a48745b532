package workload

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TopOwner follows the controllers of w upward and returns the last one in the form of kubectl ("deployment.apps/web"), or "" if w has
// no controller. It stops at an owner of an unknown kind, or one that cannot be read or does not exist, and returns that owner.
func (c *Client) TopOwner(ctx context.Context, w *Workload) (string, error) {
	top := ""
	for owner := w.Controller(); owner != nil; owner = w.Controller() {
		top = ownerName(owner)
		k, ok := kindFor(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind())
		if !ok {
			return top, nil
		}
		next, err := c.read(ctx, k, w.Namespace(), owner.Name)
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
			return top, nil
		}
		if err != nil {
			return "", err
		}
		w = next
	}
	return top, nil
}
