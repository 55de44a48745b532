package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
)

// Client reads and changes workloads.
type Client struct {
	getter       genericclioptions.RESTClientGetter
	typed        kubernetes.Interface
	dynamic      dynamic.Interface
	untyped      rest.Interface // for kinds that are not built in
	fieldManager string
	groups       *onceGroups
	lists        *lists // of a Snapshot; nil: lists are not kept
}

// NewClient returns a client of the cluster that getter names. fieldManager is the field manager of every write.
// It sends no request; an error means that the connection settings are invalid.
func NewClient(getter genericclioptions.RESTClientGetter, fieldManager string) (*Client, error) {
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	typed, err := kubernetes.NewForConfig(Compact(config))
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	plain := rest.CopyConfig(config)
	plain.ContentConfig = resource.UnstructuredPlusDefaultContentConfig()
	plain.GroupVersion, plain.APIPath = &schema.GroupVersion{}, "/apis"
	custom, err := rest.RESTClientFor(plain)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	return &Client{getter: getter, typed: typed, dynamic: untyped, untyped: custom, fieldManager: fieldManager, groups: &onceGroups{}}, nil
}

// Compact returns config for a client of built-in kinds. The API server then responds in protobuf, which costs both sides less than JSON.
func Compact(config *rest.Config) *rest.Config {
	compact := rest.CopyConfig(config)
	compact.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return compact
}

// Get reads the workloads that args name in the forms that kubectl accepts: TYPE/NAME... or TYPE NAME..., including
// short names and TYPE.GROUP. It sends one request for each workload, and discovery requests only if a kind is not
// built in. A TYPE without a name, a Job and what is in no namespace are errors. A workload of a kind that is not known
// has no template (HasTemplate). If an object does not exist, apierrors.IsNotFound holds for the error. With the error
// about one workload, or a utilerrors.Aggregate about several, it returns the other workloads.
func (c *Client) Get(ctx context.Context, namespace string, args []string) ([]*Workload, error) {
	found, err := c.named(ctx, namespace, args)
	if err != nil {
		return nil, err
	}
	var workloads []*Workload
	var errs []error
	for _, f := range found {
		if f.Err != nil {
			errs = append(errs, f.Err)
			continue
		}
		workloads = append(workloads, f.Workload)
	}
	if len(errs) == 1 {
		return workloads, errs[0]
	}
	return workloads, utilerrors.NewAggregate(errs)
}

// List reads all workloads of a type in a namespace, page by page.
func (c *Client) List(ctx context.Context, namespace string, of Type) ([]*Workload, error) {
	k, _ := kindFor(schema.GroupKind{Group: of.Resource.Group, Kind: of.kind})
	return c.listAll(ctx, k, namespace, "")
}

// Selected reads the workloads of a type in a namespace that have the labels of the selector, without those that a controller owns.
func (c *Client) Selected(ctx context.Context, namespace string, of Type, selector string) ([]*Workload, error) {
	k, _ := kindFor(schema.GroupKind{Group: of.Resource.Group, Kind: of.kind})
	all, err := c.listAll(ctx, k, namespace, selector)
	return slices.DeleteFunc(all, func(w *Workload) bool { return w.Controller() != nil }), err
}

func (c *Client) listAll(ctx context.Context, k kind, namespace, selector string) ([]*Workload, error) {
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return c.request("GET", k, namespace).VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Get()
	})
	var workloads []*Workload
	err := pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: selector}, func(item runtime.Object) error {
		obj, ok := item.(object)
		if !ok {
			return fmt.Errorf("unexpected %T", item)
		}
		// An object without a template, such as a Rollout that refers to a Deployment, is read by its name.
		if w, err := newWorkload(k, obj); err == nil {
			workloads = append(workloads, w)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s in namespace %s: %w", k.resource, namespace, err)
	}
	return workloads, nil
}

// Named is the result for one workload that was requested by name.
type Named struct {
	Name     string    // as kubectl prints it: "deployment.apps/web"
	Workload *Workload // nil: it does not exist, or Err is set
	Err      error     // from reading it
}

// Lookup is like Get, but a workload that does not exist is not an error. It is returned as a Named without a Workload.
func (c *Client) Lookup(ctx context.Context, namespace string, args []string) ([]Named, error) {
	found, err := c.named(ctx, namespace, args)
	for _, f := range found {
		if f.Err != nil && !apierrors.IsNotFound(f.Err) {
			return nil, f.Err
		}
	}
	return found, err
}

// named reads each workload once and keeps an error for each.
func (c *Client) named(ctx context.Context, namespace string, args []string) ([]Named, error) {
	if err := CheckArgs(args); err != nil {
		return nil, err
	}
	ids, known := wellKnown(args)
	if !known {
		var err error
		if ids, err = c.resolve(namespace, args); err != nil {
			return nil, err
		}
	}
	var found []Named
	for i, id := range ids {
		if slices.ContainsFunc(ids[:i], id.same) {
			continue
		}
		w, err := c.getBindable(ctx, id.kind, namespace, id.name)
		name := QualifiedName(id.kind.gvk.GroupKind(), id.name)
		if w != nil {
			name = w.String()
		}
		if !slices.ContainsFunc(found, func(f Named) bool { return f.Name == name }) {
			found = append(found, Named{Name: name, Workload: w, Err: err})
		}
	}
	return found, nil
}

// id is the kind and name of an argument.
type id struct {
	kind kind
	name string
}

// same reports whether both are the same argument in different words.
func (i id) same(other id) bool {
	return i.name == other.name && i.kind.gvk.GroupKind() == other.kind.gvk.GroupKind()
}

// wellKnown returns the names and kinds of arguments whose kinds are all built in, which needs no discovery.
func wellKnown(args []string) (ids []id, ok bool) {
	for _, arg := range args {
		word, name, _ := strings.Cut(arg, "/")
		t, known := TypeFor(word)
		k, _ := kindFor(schema.GroupKind{Group: t.Resource.Group, Kind: t.kind})
		if !known || k.isCustom() || name == "" || strings.Contains(name, "/") {
			return nil, false
		}
		ids = append(ids, id{k, name})
	}
	return ids, true
}

// resolve returns the names and kinds of arguments without reading the objects, because a read by the builder cannot be cancelled.
func (c *Client) resolve(namespace string, args []string) ([]id, error) {
	infos, err := resource.NewBuilder(c.getter).
		Unstructured().
		NamespaceParam(namespace).DefaultNamespace().
		ResourceTypeOrNameArgs(false, args...).
		RequireObject(false).
		Do().Infos()
	if err != nil {
		return nil, fmt.Errorf("find the workload %q: %w%s", strings.Join(args, " "), err, suggestType(args, err))
	}
	var ids []id
	for _, info := range infos {
		if info.Mapping.Scope.Name() != meta.RESTScopeNameNamespace {
			return nil, fmt.Errorf(
				"%s is not in a namespace and has no Pods",
				QualifiedName(info.Mapping.GroupVersionKind.GroupKind(), info.Name),
			)
		}
		ids = append(ids, id{mappedKind(info.Mapping), info.Name})
	}
	return ids, nil
}

// getBindable reads one object and rejects what cannot be bound. For a Rollout that refers to a Deployment, it returns the Deployment.
func (c *Client) getBindable(ctx context.Context, k kind, namespace, name string) (*Workload, error) {
	if k.gvk.Group == argoGroup && k.gvk.Kind == "Rollout" {
		return c.getRollout(ctx, k, namespace, name)
	}
	w, err := c.read(ctx, k, namespace, name)
	if err != nil {
		return nil, err
	}
	if k.isCustom() || k.gvk.Kind != "Job" {
		return w, nil
	}
	if owner := w.Controller(); owner != nil {
		return nil, fmt.Errorf("%s cannot be changed after its creation: bind its owner %s instead", w, ownerName(owner))
	}
	return nil, fmt.Errorf("%s cannot be changed after its creation: "+
		"delete it, add the reference to the Secret to its manifest, and create it again", w)
}

// ownerName writes an owner as kubectl prints names.
func ownerName(owner *metav1.OwnerReference) string {
	return QualifiedName(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind(), owner.Name)
}
