package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// read gets one object.
func (c *Client) read(ctx context.Context, k kind, namespace, name string) (*Workload, error) {
	obj, err := c.readObject(ctx, k, namespace, name)
	if err != nil {
		return nil, err
	}
	return newWorkload(k, obj)
}

// readObject gets one object, whether it has a pod template or not.
func (c *Client) readObject(ctx context.Context, k kind, namespace, name string) (object, error) {
	obj := k.new()
	if err := c.request("GET", k, namespace).Name(name).Do(ctx).Into(obj); err != nil {
		return nil, ReadError(QualifiedName(k.gvk.GroupKind(), name), namespace, err)
	}
	return obj, nil
}

// ReadError returns the error about an object, TYPE/NAME, that could not be read. That of the API server about an object that does not
// exist names the object again, but not the namespace.
func ReadError(object, namespace string, err error) error {
	status := apierrors.APIStatus(nil)
	if apierrors.IsNotFound(err) && errors.As(err, &status) && status.Status().Details != nil {
		if strings.HasSuffix(object, "/"+status.Status().Details.Name) {
			return &notFoundError{object, namespace, err}
		}
	}
	return fmt.Errorf("read %s in namespace %s: %w", object, namespace, err)
}

// About adds an object to an error about it, unless the error begins with the object already.
func About(object, namespace string, err error) error {
	for _, named := range []string{" in namespace ", " not found in namespace "} {
		if strings.HasPrefix(err.Error(), object+named+namespace) {
			return err
		}
	}
	return fmt.Errorf("%s in namespace %s: %w", object, namespace, err)
}

// notFoundError means that an object does not exist.
type notFoundError struct {
	object, namespace string
	err               error // of the API server
}

func (e *notFoundError) Error() string { return e.object + " not found in namespace " + e.namespace }

func (e *notFoundError) Unwrap() error { return e.err }

// request begins a request for objects of the kind.
func (c *Client) request(verb string, k kind, namespace string) *rest.Request {
	if k.isCustom() {
		prefix := []string{"apis", k.gvk.Group, k.gvk.Version}
		if k.gvk.Group == "" {
			prefix = []string{"api", k.gvk.Version}
		}
		return c.untyped.Verb(verb).AbsPath(prefix...).Namespace(namespace).Resource(k.resource)
	}
	return c.rest(k).Verb(verb).Namespace(namespace).Resource(k.resource)
}

// rest returns the client that serves a built-in kind.
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
