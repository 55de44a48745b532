package inventory

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// ReadTemplates reads the pod templates of the workloads that have bindings, and records which of them use the Secrets. It lists only the
// kinds that have a binding. What it cannot read becomes a gap; the annotations of the workloads decide then.
func (r *Reader) ReadTemplates(ctx context.Context, namespace string, found *Inventory) error {
	for _, resource := range found.resources {
		prefix := resource.NameOf("")
		bound := func(b Entry) bool {
			return b.Workload == Present && len(b.Marks.Workload) > len(prefix) && b.Marks.Workload[:len(prefix)] == prefix
		}
		if !slices.ContainsFunc(found.Entries, bound) {
			continue
		}
		listed, err := r.List(ctx, namespace, resource)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			found.Gaps = append(found.Gaps, err)
			continue
		}
		byUID := map[types.UID]*workload.Workload{}
		for _, w := range listed {
			byUID[w.UID()] = w
		}
		for i := range found.Entries {
			b := &found.Entries[i]
			if w := byUID[b.WorkloadUID]; bound(*b) && w != nil && w.HasTemplate() {
				uses := workload.UsesSecret(&w.Template().Spec, b.SecretName)
				b.Referenced = &uses
			}
		}
	}
	return nil
}
