package workload

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource identifies one kind of workload in the API.
type Resource struct {
	schema.GroupVersionResource
	Kind schema.GroupVersionKind
}

// Resources returns every kind whose Pods can use a Secret, for a caller that reads only metadata.
func Resources() []Resource {
	var resources []Resource
	for _, k := range kinds() {
		if k.gvk.Kind != "Job" {
			resources = append(resources, Resource{k.gvr(), k.gvk})
		}
	}
	return resources
}

// ListResource is List for a Resource; an empty namespace means all.
func (c *Client) ListResource(ctx context.Context, namespace string, of Resource) ([]*Workload, error) {
	k, _ := kindFor(of.Kind.GroupKind())
	return c.listAll(ctx, k, namespace, "")
}

// NameOf returns the name of an object of the kind in the form of String: "deployment.apps/web".
func (r Resource) NameOf(name string) string { return QualifiedName(r.Kind.GroupKind(), name) }
