package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Reader reads the inventory of a cluster.
type Reader struct {
	client metadata.Interface
	// Custom returns the kinds to list in addition to the built-in ones, such as workload.Client.CustomResources; nil: none.
	Custom func(ctx context.Context) ([]workload.Resource, error)
	// List lists the workloads of a kind with their pod templates, such as workload.Client.ListResource.
	List func(ctx context.Context, namespace string, of workload.Resource) ([]*workload.Workload, error)
}

// NewReader returns a Reader that uses client.
func NewReader(client metadata.Interface) *Reader { return &Reader{client: client} }

// Read lists the bindings of a namespace, or of all namespaces if it is empty. selector matches the labels of the workload; a selector
// that matches everything also includes bindings without a workload. If Secrets cannot be listed, the annotations of the workloads
// name the bindings. Other failed lists become gaps. Read fails only if nothing could be read or ctx has ended.
func (r *Reader) Read(ctx context.Context, namespace string, selector labels.Selector) (*Inventory, error) {
	resources := workload.Resources()
	builtIn := len(resources)
	var customErr error
	if r.Custom != nil {
		var custom []workload.Resource
		custom, customErr = r.Custom(ctx)
		resources = append(resources, custom...)
	}
	secrets, workloads := &listing{}, make([]*listing, len(resources))
	var reads errgroup.Group
	reads.Go(func() error {
		secrets = r.list(ctx, schema.GroupVersionResource{Version: "v1", Resource: "secrets"},
			place{namespace, secret.ManagedByLabel + "=" + secret.ManagedBy})
		return nil
	})
	for i, resource := range resources {
		reads.Go(func() error {
			workloads[i] = r.list(ctx, resource.GroupVersionResource, place{namespace: namespace})
			return nil
		})
	}
	_ = reads.Wait() // each list keeps its own error
	resources, workloads = needed(resources, workloads, builtIn, secrets)
	j := newJoin(secrets)
	j.inventory.resources = resources
	if customErr != nil {
		j.inventory.Gaps, j.inventory.whole = append(j.inventory.Gaps, customErr), false
	}
	for i, resource := range resources {
		j.add(resource, workloads[i])
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if len(j.inventory.Gaps) > len(workloads) {
		return nil, nothingRead(namespace, j.inventory.Gaps)
	}
	return j.finish(selector), nil
}

// needed leaves out kinds that are not built in and that cannot be listed for a reason that does not matter: the API server does not have the
// kind, although it has its API group, as with Argo CD and Rollouts; or the user may not list it, and no binding is of that kind.
func needed(
	resources []workload.Resource, lists []*listing, builtIn int, secrets *listing,
) (kinds []workload.Resource, read []*listing) {
	for i, list := range lists {
		unknown := apierrors.IsNotFound(list.err)
		unused := apierrors.IsForbidden(list.err) && secrets.err == nil && !secrets.names(resources[i].Kind.GroupKind())
		if i >= builtIn && (unknown || unused) {
			continue
		}
		kinds, read = append(kinds, resources[i]), append(read, list)
	}
	return kinds, read
}

// names reports whether a Secret is that of a binding of this kind.
func (l *listing) names(kind schema.GroupKind) bool {
	prefix := workload.QualifiedName(kind, "")
	return slices.ContainsFunc(l.objects, func(object *metav1.PartialObjectMetadata) bool {
		marks, ok := secret.MarksOf(object)
		return ok && strings.HasPrefix(marks.Workload, prefix)
	})
}

// nothingRead returns one error for lists that failed for the same reason.
func nothingRead(namespace string, gaps []error) error {
	var lacks []string
	for _, gap := range gaps {
		status := apierrors.APIStatus(nil)
		if !apierrors.IsForbidden(gap) || !errors.As(gap, &status) || status.Status().Details == nil {
			return utilerrors.NewAggregate(gaps)
		}
		details := status.Status().Details
		lacks = append(lacks, strings.TrimSuffix(details.Kind+"."+details.Group, "."))
	}
	where, flag := "in namespace "+namespace, " -n "+namespace
	if namespace == "" {
		where, flag = "in all namespaces", ""
	}
	return fmt.Errorf("cannot list bindings %s, because of missing permissions: list %s: ask your administrator for them; to list yours: "+
		"kubectl auth can-i --list%s", where, strings.Join(lacks, ", "), flag)
}

// place is the namespace and the label selector of a list.
type place struct{ namespace, selector string }

// listing is the result of listing one kind.
type listing struct {
	objects []*metav1.PartialObjectMetadata
	err     error
}

// list reads the metadata of one kind, page by page, and keeps what the inventory needs.
func (r *Reader) list(ctx context.Context, resource schema.GroupVersionResource, from place) *listing {
	found := &listing{}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return r.client.Resource(resource).Namespace(from.namespace).List(ctx, options)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: from.selector}, func(item runtime.Object) error {
		if object, ok := item.(*metav1.PartialObjectMetadata); ok {
			found.objects = append(found.objects, slim(object))
		}
		return nil
	})
	if err != nil {
		found.err = fmt.Errorf("list %s: %w", resource.Resource, err)
	}
	return found
}

// slim drops most of an object's metadata to save memory.
func slim(object *metav1.PartialObjectMetadata) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: object.Namespace, Name: object.Name, UID: object.UID, CreationTimestamp: object.CreationTimestamp,
		Labels: object.Labels, Annotations: object.Annotations, OwnerReferences: object.OwnerReferences,
	}}
}
