package binding

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
)

// NewItem returns the item for a binding of a file. An error names file, line and field.
func NewItem(d *manifest.Document, options Options) (*Item, error) {
	options.Exact = true
	var errs []error
	for _, err := range Validate(d.Spec) {
		errs = append(errs, fmt.Errorf("%s: %w", d.At("spec", err.Field), err.Err))
	}
	return &Item{Document: d, Spec: d.Spec, Options: options}, errors.Join(errs...)
}

// NewRepair returns the item that binds a workload again with the spec that its Secret stores. The binding's Secret, its user and its password
// are found by what exists.
func NewRepair(namespace string, spec v1alpha1.BindingSpec, options Options) *Item {
	spec.Secret, spec.Username, spec.PasswordFrom = "", "", ""
	d := &manifest.Document{Binding: v1alpha1.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, Spec: spec}}
	return &Item{Document: d, Spec: spec, Options: options}
}

// NewItems returns the items for the bindings of files, and all their errors.
func NewItems(documents []*manifest.Document, options Options) ([]*Item, error) {
	var errs []error
	items := make([]*Item, len(documents))
	for n, d := range documents {
		item, err := NewItem(d, options)
		items[n], errs = item, append(errs, err)
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
		if d.Spec.Secret != "" {
			keys = append(keys, secret{d.Namespace, d.Spec.Secret})
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
