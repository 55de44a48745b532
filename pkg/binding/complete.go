package binding

import (
	"context"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// lacksTarget reports whether a spec does not name what the binding is found by.
func lacksTarget(s v1alpha1.BindingSpec) bool { return s.Postgres == "" || s.DBName == "" }

func lacksAccess(s v1alpha1.BindingSpec) bool { return s.Access == "" }

// complete completes the specs that lack something, so that all that follows sees complete ones. An item that cannot be completed fails.
func (r *run) complete(ctx context.Context, items []*Item, lacks func(v1alpha1.BindingSpec) bool) {
	var open []*Item
	for _, i := range items {
		if i.Err == nil && lacks(i.Spec) {
			open = append(open, i)
		}
	}
	r.readWorkloads(ctx, open)
	each(open, func(i *Item) {
		if i.Err != nil {
			return
		}
		err := r.readValues(ctx, i)
		if err == nil {
			err = i.complete(ctx, r.Defaults, i.bound())
		}
		if err != nil {
			i.Fail(err)
		}
	})
}

// complete completes the item's spec.
func (i *Item) complete(ctx context.Context, d Defaults, bound []secret.Marks) error {
	spec, candidates, err := d.Complete(ctx, defaults.Request{
		Namespace: i.namespace(), Spec: i.Spec, Bound: bound, AdminPassword: i.Options.Values.AdminPassword,
	})
	if err != nil {
		return err
	}
	i.Spec = spec
	if len(candidates) > 0 {
		i.candidates = candidates
	}
	return nil
}

// bound returns the bindings that the workload's annotations describe.
func (i *Item) bound() []secret.Marks {
	var bound []secret.Marks
	for name, marks := range secret.AnnotationsOf(i.Workload.Annotations()) {
		marks.Secret = name
		bound = append(bound, marks)
	}
	return bound
}

// CompleteFrom completes the specs of items whose workloads are not read. found are the existing bindings.
func CompleteFrom(ctx context.Context, d Defaults, items []*Item, found []inventory.Entry) error {
	for _, i := range items {
		if !lacksTarget(i.Spec) && !lacksAccess(i.Spec) {
			continue
		}
		var bound []secret.Marks
		for _, b := range found {
			if b.Namespace == i.namespace() && b.Marks.Workload == workload.FullName(i.Spec.Workload) {
				b.Marks.Secret = b.SecretName
				bound = append(bound, b.Marks)
			}
		}
		if err := i.complete(ctx, d, bound); err != nil {
			return err
		}
	}
	return nil
}
