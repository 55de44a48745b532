package binding

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// claim reserves the name of a Secret for an item, unless another item has it. A file can also name Secrets of items in other shards.
func (r *run) claim(i *Item, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed == nil {
		r.claimed = map[types.NamespacedName]*Item{}
		for _, other := range r.all {
			if other.Spec.Secret != "" {
				r.claimed[types.NamespacedName{Namespace: other.namespace(), Name: other.Spec.Secret}] = other
			}
		}
	}
	key := types.NamespacedName{Namespace: i.namespace(), Name: name}
	if owner := r.claimed[key]; owner != nil && owner != i {
		return false
	}
	r.claimed[key] = i
	return true
}

// assignNames assigns the next free default names to the items of a namespace that need a new Secret. It lists the names once instead of
// trying each.
func (r *run) assignNames(ctx context.Context, items []*Item) {
	var unnamed []*Item
	for _, i := range items {
		if i.assigned = ""; i.Spec.Secret == "" && len(secret.AnnotationsOf(i.Workload.Annotations())) == 0 {
			unnamed = append(unnamed, i)
		}
	}
	eachGroup(unnamed, (*Item).namespace, func(namespace string, group []*Item) {
		if group[0].Document == nil && len(group) == 1 {
			return // a bind tries one name after the other, so that it needs no permission to list Secrets
		}
		taken, owned, err := r.secretNames(ctx, namespace)
		for number := 1 + r.Part.Index; err == nil && len(group) > 0; number += max(r.Part.Count, 1) {
			i, name := group[0], secret.DefaultName(number)
			switch {
			case owned[i.id()]:
				group = group[1:] // an interrupted run created its Secret
			case !taken[name] && r.claim(i, name):
				i.assigned, group = name, group[1:]
			}
		}
		for _, i := range group {
			if err != nil && !apierrors.IsForbidden(err) {
				i.Fail(err)
			}
		}
	})
}

// secretNames lists the names of the Secrets in a namespace, and the ids of the bindings that have one.
func (r *run) secretNames(ctx context.Context, namespace string) (taken, owned map[string]bool, err error) {
	taken, owned = map[string]bool{}, map[string]bool{}
	secrets := r.Metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace)
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return secrets.List(ctx, options)
	})
	err = pages.EachListItem(ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		if object, ok := item.(*metav1.PartialObjectMetadata); ok {
			taken[object.Name] = true
			if marks, ours := secret.MarksOf(object); ours {
				owned[marks.ID] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the names of the Secrets in namespace %s: %w", namespace, err)
	}
	return taken, owned, nil
}
