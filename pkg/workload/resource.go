package workload

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is how the API server serves one kind of workload.
type Resource struct {
	schema.GroupVersionResource
	Kind schema.GroupVersionKind
}

// Resources lists every kind whose Pods can be given a Secret, for who reads no more of them than their metadata.
func Resources() []Resource {
	var resources []Resource
	for _, k := range kinds() {
		if k.gvk.Kind != "Job" {
			resources = append(resources, Resource{k.gvr(), k.gvk})
		}
	}
	return resources
}

// NameOf writes the name of an object of the kind as String does: "deployment.apps/web".
func (r Resource) NameOf(name string) string { return qualifiedName(r.Kind.GroupKind(), name) }
