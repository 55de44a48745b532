package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
)

// Client reads and changes workloads.
type Client struct {
	getter       genericclioptions.RESTClientGetter
	typed        kubernetes.Interface
	dynamic      dynamic.Interface
	fieldManager string
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
	return &Client{getter: getter, typed: typed, dynamic: untyped, fieldManager: fieldManager}, nil
}

// Compact returns config for a client of built-in kinds. The API server then responds in protobuf, which costs both sides less than JSON.
func Compact(config *rest.Config) *rest.Config {
	compact := rest.CopyConfig(config)
	compact.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return compact
}

// Get reads the workloads that args name in the forms that kubectl accepts: TYPE/NAME... or TYPE NAME..., including short names and
// TYPE.GROUP. It sends one request for each workload, and discovery requests only if a kind is not built in. A TYPE without a name, a
// kind without Pods and a Job are errors that name an alternative. If an object does not exist, apierrors.IsNotFound holds for the error.
// With the error about one workload, or a utilerrors.Aggregate about several, it returns the other workloads.
func (c *Client) Get(ctx context.Context, namespace string, args []string) ([]*Workload, error) {
	found, err := c.named(ctx, namespace, args)
	if err != nil {
		return nil, err
	}
	var workloads []*Workload
	var errs []error
	for _, f := range found {
		if f.err != nil {
			errs = append(errs, f.err)
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
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		list, err := scheme.Scheme.New(k.gvk.GroupVersion().WithKind(k.gvk.Kind + "List"))
		if err != nil {
			return nil, err
		}
		return list, c.rest(k).Get().Namespace(namespace).Resource(k.resource).VersionedParams(&options, metav1.ParameterCodec).Do(ctx).Into(list)
	})
	var workloads []*Workload
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		w, err := Of(item)
		workloads = append(workloads, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s in namespace %s: %w", k.resource, namespace, err)
	}
	return workloads, nil
}

// Named is the result for one workload that was requested by name.
type Named struct {
	Name     string    // as kubectl prints it: "deployment.apps/web"
	Workload *Workload // nil: it does not exist
	err      error
}

// Lookup is like Get, but a workload that does not exist is not an error. It is returned as a Named without a Workload.
func (c *Client) Lookup(ctx context.Context, namespace string, args []string) ([]Named, error) {
	found, err := c.named(ctx, namespace, args)
	for _, f := range found {
		if f.err != nil && !apierrors.IsNotFound(f.err) {
			return nil, f.err
		}
	}
	return found, err
}

// named reads each workload once and keeps an error for each.
func (c *Client) named(ctx context.Context, namespace string, args []string) ([]Named, error) {
	if err := checkArgs(args); err != nil {
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
	for _, id := range ids {
		name := qualifiedName(id.kind, id.name)
		if slices.ContainsFunc(found, func(f Named) bool { return f.Name == name }) {
			continue
		}
		w, err := c.getBindable(ctx, id.kind, namespace, id.name)
		found = append(found, Named{Name: name, Workload: w, err: err})
	}
	return found, nil
}

// id is the kind and name of an argument.
type id struct {
	kind schema.GroupKind
	name string
}

// wellKnown returns the names and kinds of arguments whose kinds are all built in, which needs no discovery.
func wellKnown(args []string) (ids []id, ok bool) {
	for _, arg := range args {
		word, name, _ := strings.Cut(arg, "/")
		t, known := TypeFor(word)
		if !known || name == "" || strings.Contains(name, "/") {
			return nil, false
		}
		ids = append(ids, id{schema.GroupKind{Group: t.Resource.Group, Kind: t.kind}, name})
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
		return nil, fmt.Errorf("find the workload %q: %w", strings.Join(args, " "), err)
	}
	var ids []id
	for _, info := range infos {
		ids = append(ids, id{info.Mapping.GroupVersionKind.GroupKind(), info.Name})
	}
	return ids, nil
}

// checkArgs rejects arguments without a single name, with errors that are specific to this program.
func checkArgs(args []string) error {
	noSlash := func(arg string) bool { return !strings.Contains(arg, "/") }
	switch i := slices.IndexFunc(args, noSlash); {
	case len(args) == 0:
		return errors.New("workload required: name it as TYPE/NAME, for example deployment/web")
	case len(args) == 1 && i == 0:
		return fmt.Errorf("workload name required: use %s/NAME", args[0])
	case i > 0 && !noSlash(args[0]), i == 0 && slices.ContainsFunc(args, func(arg string) bool { return !noSlash(arg) }):
		return fmt.Errorf("%q is not in the form TYPE/NAME: use that form for every workload", args[i])
	}
	return nil
}

// getBindable reads one object and rejects kinds that cannot be bound.
func (c *Client) getBindable(ctx context.Context, gk schema.GroupKind, namespace, name string) (*Workload, error) {
	k, ok := kindFor(gk)
	if !ok {
		return nil, fmt.Errorf("%s has no pod template: bind a %s", qualifiedName(gk, name), bindableKinds())
	}
	w, err := c.read(ctx, k, namespace, name)
	if err != nil {
		return nil, err
	}
	if k.gvk.Kind != "Job" {
		return w, nil
	}
	if owner := w.Controller(); owner != nil {
		return nil, fmt.Errorf("%s cannot be changed after its creation: bind its owner %s instead", w, ownerName(owner))
	}
	return nil, fmt.Errorf("%s cannot be changed after its creation: "+
		"delete it, add the reference to the Secret to its manifest, and create it again", w)
}

// read gets one object.
func (c *Client) read(ctx context.Context, k kind, namespace, name string) (*Workload, error) {
	obj := k.new()
	err := c.rest(k).Get().Namespace(namespace).Resource(k.resource).Name(name).Do(ctx).Into(obj)
	if err != nil {
		return nil, fmt.Errorf("read %s in namespace %s: %w", qualifiedName(k.gvk.GroupKind(), name), namespace, err)
	}
	return newWorkload(k, obj)
}

// rest returns the client that serves the kind.
func (c *Client) rest(k kind) rest.Interface {
	switch k.gvk.Group {
	case "apps":
		return c.typed.AppsV1().RESTClient()
	case "batch":
		return c.typed.BatchV1().RESTClient()
	default:
		return c.typed.CoreV1().RESTClient()
	}
}

// ownerName writes an owner as kubectl prints names.
func ownerName(owner *metav1.OwnerReference) string {
	return qualifiedName(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind(), owner.Name)
}
