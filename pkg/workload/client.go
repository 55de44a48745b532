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

// NewClient makes a client of the cluster that getter names; every write is recorded under fieldManager.
// It sends nothing; an error means that the connection settings are not usable.
func NewClient(getter genericclioptions.RESTClientGetter, fieldManager string) (*Client, error) {
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	typed, err := kubernetes.NewForConfig(Compact(config))
	if err != nil {
		return nil, fmt.Errorf("make a client of the cluster: %w", err)
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client of the cluster: %w", err)
	}
	return &Client{getter: getter, typed: typed, dynamic: untyped, fieldManager: fieldManager}, nil
}

// Compact is config for a client of Kubernetes' own kinds: the API server answers it in protobuf, which costs both sides a fraction of what JSON does.
func Compact(config *rest.Config) *rest.Config {
	compact := rest.CopyConfig(config)
	compact.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return compact
}

// Get reads the workloads that args name, as kubectl takes them: TYPE/NAME..., or TYPE NAME..., short names and TYPE.GROUP included.
// It sends one request for each workload, and asks which kinds there are only where it does not know one. A TYPE alone, a kind without Pods and a Job are errors that
// say what to do instead; an object that is not there is an error for which apierrors.IsNotFound holds. Beside the error
// about one of them, or a utilerrors.Aggregate about several, it returns the others.
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

// List reads all workloads of a type in a namespace, a page at a time.
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

// Named is a workload that was asked for by its name.
type Named struct {
	Name     string    // as kubectl prints it: "deployment.apps/web"
	Workload *Workload // nil: there is none of that name
	err      error
}

// Lookup is Get for what may have been deleted already: an object that is not there is no error but a Named without a Workload.
func (c *Client) Lookup(ctx context.Context, namespace string, args []string) ([]Named, error) {
	found, err := c.named(ctx, namespace, args)
	for _, f := range found {
		if f.err != nil && !apierrors.IsNotFound(f.err) {
			return nil, f.err
		}
	}
	return found, err
}

// named reads each workload once, and keeps the error about each.
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

// id is what an argument names.
type id struct {
	kind schema.GroupKind
	name string
}

// wellKnown turns arguments into names and kinds where each is one of Kubernetes' own, so that nobody need be asked which kinds there are.
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

// resolve turns arguments into names and kinds without reading the objects, since the builder's own reading cannot be cancelled.
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

// checkArgs refuses arguments that name no single workload in words that fit this program.
func checkArgs(args []string) error {
	noSlash := func(arg string) bool { return !strings.Contains(arg, "/") }
	switch i := slices.IndexFunc(args, noSlash); {
	case len(args) == 0:
		return errors.New("no workload given: name it as TYPE/NAME, for example deployment/web")
	case len(args) == 1 && i == 0:
		return fmt.Errorf("%q names no single workload: add its name, as in %s/NAME", args[0], args[0])
	case i > 0 && !noSlash(args[0]), i == 0 && slices.ContainsFunc(args, func(arg string) bool { return !noSlash(arg) }):
		return fmt.Errorf("%q is no workload beside others given as TYPE/NAME: write each as TYPE/NAME", args[i])
	}
	return nil
}

// getBindable reads one object and refuses those to which nothing can be bound.
func (c *Client) getBindable(ctx context.Context, gk schema.GroupKind, namespace, name string) (*Workload, error) {
	k, ok := kindFor(gk)
	if !ok {
		return nil, fmt.Errorf("%s runs no Pods that could be given a Secret: name a %s", qualifiedName(gk, name), bindableKinds())
	}
	w, err := c.read(ctx, k, namespace, name)
	if err != nil {
		return nil, err
	}
	if k.gvk.Kind != "Job" {
		return w, nil
	}
	if owner := w.Controller(); owner != nil {
		return nil, fmt.Errorf("%s cannot be changed once it is created: bind its owner %s instead", w, ownerName(owner))
	}
	return nil, fmt.Errorf("%s cannot be changed once it is created: delete it, put the reference to the Secret into its manifest, and submit it again", w)
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
