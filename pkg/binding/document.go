package binding

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
)

// newItems returns the items for a document of a file. An error names file, line and field.
func newItems(d *manifest.Document, options Options) (items []*Item, err error) {
	options.Exact = true
	var errs []error
	for _, err := range Validate(d.Spec) {
		errs = append(errs, fmt.Errorf("%s: %w", d.At("spec", err.Field), err.Err))
	}
	for _, spec := range d.Spec.Split() {
		items = append(items, &Item{Document: d, Spec: spec, Options: options})
	}
	return items, errors.Join(errs...)
}

// NewRepair returns the item that binds a workload again with the spec that its Secret stores. The binding's Secret,
// its user and its password are found by what exists.
func NewRepair(namespace string, spec v1alpha1.BindingSpec, options Options) *Item {
	spec.Secret, spec.Username, spec.PasswordFrom = "", "", ""
	d := &manifest.Document{Binding: v1alpha1.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, Spec: spec}}
	return &Item{Document: d, Spec: spec, Options: options}
}

// NewItems returns the items for the bindings of files, and all their errors.
func NewItems(documents []*manifest.Document, options Options) ([]*Item, error) {
	var items []*Item
	var errs []error
	for _, d := range documents {
		of, err := newItems(d, options)
		items, errs = append(items, of...), append(errs, err)
	}
	return items, errors.Join(errs...)
}

// refuseDuplicates returns an error if two documents describe the same binding, or name the same Secret.
func refuseDuplicates(items []*Item) error {
	first := map[any]*Item{}
	var errs []error
	for _, item := range items {
		d := item.Document
		if d == nil || item.Err != nil {
			continue
		}
		type secret struct{ namespace, name string }
		keys := []any{item.key()}
		if item.Spec.Secret != "" {
			keys = append(keys, secret{d.Namespace, item.Spec.Secret})
		}
		for _, key := range keys {
			if other, again := first[key]; again {
				errs = append(errs, fmt.Errorf("%s: this is the binding, or the Secret, of %s", d.At("spec"), other.Document.At("spec")))
				break
			}
			first[key] = item
		}
	}
	return errors.Join(errs...)
}
