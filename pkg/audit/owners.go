package audit

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
)

// Resolver reads the controller of an object that no list contains. The error says that it cannot be read.
type Resolver func(ctx context.Context, namespace string, object *metav1.OwnerReference) (*metav1.OwnerReference, error)

// owners follow controllers upward. known has the controller of each object that was read, nil if it has none.
type owners struct {
	known map[types.UID]*metav1.OwnerReference
}

func newOwners() *owners { return &owners{known: map[types.UID]*metav1.OwnerReference{}} }

// maxOwners limits the length of a chain of owners, which anybody can write.
const maxOwners = 10

// of returns the workload of an object: the last of its owners that has a pod template that pgbind can change, and what owns that.
func (o *owners) of(ctx context.Context, kind string, object *metav1.ObjectMeta, resolve Resolver) workloadRef {
	w := workloadRef{namespace: object.Namespace, name: strings.ToLower(kind) + "/" + object.Name}
	owner := metav1.GetControllerOf(object)
	for range maxOwners {
		if owner == nil {
			return w
		}
		if name, ok := bindableName(owner); ok && w.owner == "" {
			w.name = name
		} else {
			w.owner = ownerName(owner)
		}
		next, known := o.known[owner.UID]
		if !known {
			var err error
			if next, err = resolve(ctx, object.Namespace, owner); err != nil {
				next = nil
			}
			o.known[owner.UID] = next
		}
		owner = next
	}
	return w
}

// bindableName returns TYPE/NAME of an owner of a built-in kind.
func bindableName(owner *metav1.OwnerReference) (name string, ok bool) {
	group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group
	kinds := map[string][]string{
		"apps": {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, "batch": {"Job", "CronJob"}, "": {"ReplicationController"},
	}
	return strings.ToLower(owner.Kind) + "/" + owner.Name, slices.Contains(kinds[group], owner.Kind)
}

func ownerName(owner *metav1.OwnerReference) string {
	kind := strings.ToLower(owner.Kind)
	if group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group; group != "" {
		kind += "." + group
	}
	return kind + "/" + owner.Name
}

// NewResolver returns a Resolver that reads metadata. mapper is called only if an object of another kind owns something.
func NewResolver(client metadata.Interface, mapper func() (meta.RESTMapper, error)) Resolver {
	return func(ctx context.Context, namespace string, owner *metav1.OwnerReference) (*metav1.OwnerReference, error) {
		kinds, err := mapper()
		if err != nil {
			return nil, err
		}
		gvk := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind)
		mapping, err := kinds.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			return nil, err
		}
		var objects metadata.ResourceInterface = client.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			objects = client.Resource(mapping.Resource).Namespace(namespace)
		}
		object, err := objects.Get(ctx, owner.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return metav1.GetControllerOf(object), nil
	}
}
