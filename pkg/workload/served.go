package workload

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onceGroups holds the API groups that the API server serves, after they were read.
type onceGroups struct {
	mu    sync.Mutex
	names []string
}

// servedKinds returns the known kinds that are not built in and whose API group is served. It sends one request, once. Without it, lists
// of kinds that do not exist would be forbidden to users who may read everything that does.
func (c *Client) servedKinds(ctx context.Context) ([]kind, error) {
	c.groups.mu.Lock()
	defer c.groups.mu.Unlock()
	if c.groups.names == nil {
		groups := &metav1.APIGroupList{}
		err := c.typed.Discovery().RESTClient().Get().AbsPath("/apis").Do(ctx).Into(groups)
		if err != nil && !apierrors.IsForbidden(err) {
			return nil, fmt.Errorf("read the API groups of the cluster: %w", err)
		}
		c.groups.names = []string{}
		for _, group := range groups.Groups {
			c.groups.names = append(c.groups.names, group.Name)
		}
	}
	return slices.DeleteFunc(customKinds(), func(k kind) bool { return !slices.Contains(c.groups.names, k.gvk.Group) }), nil
}

// CustomResources returns the served kinds that are not built in, for a caller that reads only metadata.
func (c *Client) CustomResources(ctx context.Context) ([]Resource, error) {
	served, err := c.servedKinds(ctx)
	var resources []Resource
	for _, k := range served {
		resources = append(resources, Resource{k.gvr(), k.gvk})
	}
	return resources, err
}
