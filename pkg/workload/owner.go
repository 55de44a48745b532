package workload

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TopOwner follows the controlling owners of w upward and returns the last one as kubectl names it ("deployment.apps/web"),
// or "" when nothing controls w. An owner of a kind that is not known here, or that may not be read or is gone, ends the walk:
// it is the last one known.
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
