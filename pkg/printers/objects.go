package printers

import (
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Printable can be printed as a table or as objects.
type Printable interface {
	Table(now time.Time) *metav1.Table
	List(now time.Time) (*unstructured.UnstructuredList, error)
}

// newList returns an empty List.
func newList() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("List")
	return list
}

// listOf returns bindings as a List.
func listOf(bindings []*v1alpha1.Binding) (*unstructured.UnstructuredList, error) {
	list := newList()
	for _, b := range bindings {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(b)
		if err != nil {
			return nil, fmt.Errorf("write the binding of secret/%s: %w", b.Name, err)
		}
		list.Items = append(list.Items, unstructured.Unstructured{Object: fields})
	}
	return list, nil
}

// PrintResults prints bindings: a single one as an object, several as a List.
func PrintResults(w io.Writer, printer printers.ResourcePrinter, bindings []*v1alpha1.Binding) error {
	list, err := listOf(bindings)
	if err != nil {
		return err
	}
	switch len(list.Items) {
	case 0:
		return nil
	case 1:
		return printer.PrintObj(&list.Items[0], w)
	}
	return printer.PrintObj(list, w)
}

// NothingFound prints the message of kubectl for an empty result. An empty namespace means all.
func NothingFound(w io.Writer, namespace string) {
	if namespace == "" {
		fmt.Fprintln(w, "No resources found")
		return
	}
	fmt.Fprintf(w, "No resources found in %s namespace.\n", namespace)
}
