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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// claim takes the name of a Secret for an item, unless another one has it. A file may name Secrets of items in other shards, too.
func (r *run) claim(i *Item, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed == nil {
		r.claimed = map[types.NamespacedName]*Item{}
		for _, other := range r.all {
			if other.Options.Secret != "" {
				r.claimed[types.NamespacedName{Namespace: other.namespace(), Name: other.Options.Secret}] = other
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

// assignNames gives the items of a namespace that need a new Secret the next free default names, without asking for each name whether it
// is free.
func (r *run) assignNames(ctx context.Context, items []*Item) {
	spaces := map[string][]*Item{}
	for _, i := range items {
		if i.assigned = ""; i.Options.Secret == "" && len(credentials.AnnotationsOf(i.Workload.Annotations())) == 0 {
			spaces[i.namespace()] = append(spaces[i.namespace()], i)
		}
	}
	eachGroup(spaces, func(namespace string, group []*Item) {
		if group[0].Document == nil && len(group) == 1 {
			return // a bind needs no right to list Secrets: it tries one name after the other
		}
		taken, owned, err := r.secretNames(ctx, namespace)
		for number := 1 + r.Part.Index; err == nil && len(group) > 0; number += max(r.Part.Count, 1) {
			i, name := group[0], credentials.SecretName(number)
			switch {
			case owned[i.id()]:
				group = group[1:] // a run that died has made its Secret
			case !taken[name] && r.claim(i, name):
				i.assigned, group = name, group[1:]
			}
		}
		for _, i := range group {
			if err != nil && !apierrors.IsForbidden(err) {
				i.fail(err)
			}
		}
	})
}

// secretNames lists the names of the Secrets of a namespace, and the ids of the bindings that they are of.
func (r *run) secretNames(ctx context.Context, namespace string) (taken, owned map[string]bool, err error) {
	taken, owned = map[string]bool{}, map[string]bool{}
	secrets := r.Metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace)
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return secrets.List(ctx, options)
	})
	err = pages.EachListItem(ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		if object, ok := item.(*metav1.PartialObjectMetadata); ok {
			taken[object.Name] = true
			if marks, ours := credentials.MarksOf(object); ours {
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
