package binding

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// defaultNames returns the names that the Secret of an item gets if the user names none, the first free one of them.
func (i *Item) defaultNames() []string {
	own, spec := secret.DefaultName(i.Workload.Name()), i.spec()
	for _, a := range secret.AnnotationsOf(i.Workload.Annotations()) {
		if a.ID != i.id() && a.IsOwner() == spec.IsOwner() {
			own = secret.FurtherName(i.Workload.Name(), spec.DBName)
		}
	}
	if spec.IsOwner() {
		return []string{secret.OwnerName(own)}
	}
	if i.candidates[0].Pod.Name == v1alpha1.DefaultPostgresPod {
		return []string{secret.NameForDefaultPostgres, own}
	}
	return []string{own}
}

// reserve reserves the name of a Secret for an item, unless another item has it. A file can also name Secrets of items in other shards.
func (r *run) reserve(i *Item, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reserved == nil {
		r.reserved = map[types.NamespacedName]*Item{}
		for _, other := range r.all {
			if other.Spec.Secret != "" {
				r.reserved[types.NamespacedName{Namespace: other.namespace(), Name: other.Spec.Secret}] = other
			}
		}
	}
	key := types.NamespacedName{Namespace: i.namespace(), Name: name}
	if owner := r.reserved[key]; owner != nil && owner != i {
		return false
	}
	r.reserved[key] = i
	return true
}

// assignNames assigns free default names to the items of a namespace that need a new Secret. It lists the names once
// instead of trying each.
func (r *run) assignNames(ctx context.Context, items []*Item) {
	var unnamed []*Item
	for _, i := range items {
		if i.assigned = ""; i.Spec.Secret == "" && len(secret.AnnotationsOf(i.Workload.Annotations())) == 0 {
			unnamed = append(unnamed, i)
		}
	}
	eachGroup(unnamed, (*Item).namespace, func(namespace string, group []*Item) {
		if group[0].Document == nil && len(group) == 1 {
			return // a bind tries the names, so that it needs no permission to list Secrets
		}
		taken, owned, err := r.secretNames(ctx, namespace)
		for _, i := range group {
			switch {
			case err != nil && !apierrors.IsForbidden(err):
				i.Fail(err)
			case err == nil && !owned[i.id()] && !owned[formerIdentity(i.Workload.String(), i.candidates[0].Location, i.spec())]:
				// Otherwise the Secret exists: an interrupted run created it, or it is that of an earlier workload of the name.
				i.assigned = r.firstFree(i, i.defaultNames(), taken)
			}
		}
	})
}

// firstFree returns the first name that no Secret and no other item has; empty if there is none.
func (r *run) firstFree(i *Item, names []string, taken map[string]bool) string {
	for _, name := range names {
		if !taken[name] && r.reserve(i, name) {
			return name
		}
	}
	return ""
}

// formerIdentity identifies the binding of an earlier workload of the same name.
func formerIdentity(workload, location string, spec v1alpha1.BindingSpec) string {
	return strings.Join([]string{workload, location, spec.DBName, strconv.FormatBool(spec.IsOwner())}, "\x00")
}

// secretNames lists the names of the Secrets in a namespace, and the ids and the former identities of the bindings that have one.
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
				owned[marks.ID], owned[formerIdentity(marks.Workload, marks.Location, marks.BindingSpec)] = true, true
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the names of the Secrets in namespace %s: %w", namespace, err)
	}
	return taken, owned, nil
}
