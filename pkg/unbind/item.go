package unbind

import (
	"context"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Item is one binding to remove, and its result.
type Item struct {
	inventory.Binding // of the workload; the rest is filled in when it is found
	Choice            server.Choice
	Err               error // why the binding was not removed

	filter   inventory.Filter
	nothing  bool    // nothing is bound
	server   *target // the server; nil: abandoned
	held     *postgres.Holdings
	conflict error // the Secret changed before it was deleted
}

// target is a server that items share.
type target struct{ roles Roles }

// NewItem returns the item for the only binding of the workload that matches the filter.
func NewItem(n inventory.Subject, f inventory.Filter) *Item {
	return &Item{Binding: inventory.Binding{Subject: n}, filter: f}
}

// Open reports whether the item has something to remove and has not failed.
func (i *Item) Open() bool { return i.Err == nil && !i.nothing }

// Fail keeps the first error of an item, which leaves the run. A nil error changes nothing.
func (i *Item) Fail(err error) {
	if i.Err == nil {
		i.Err = err
	}
}

// Removed returns the names of the Secrets of the bindings that were removed.
func Removed(items []*Item) (names []string) {
	for _, i := range items {
		if i.Open() && i.SecretName != "" {
			names = append(names, i.SecretName)
		}
	}
	return names
}

// atOnce limits how many requests to the API server run at once.
const atOnce = 50

// each calls do for all items, many at once.
func each[T any](items []T, do func(T)) { parallel.Each(items, atOnce, do) }

// ReadWorkloads reads the workloads of items that only name them. A workload that does not exist is no error.
func (u *Unbinder) ReadWorkloads(ctx context.Context, items []*Item) {
	for _, group := range parallel.GroupBy(items, func(i *Item) string { return i.Namespace }) {
		var names []string
		for _, i := range group {
			names = append(names, i.Name)
		}
		for at, found := range u.Workloads.LookupAll(ctx, group[0].Namespace, names) {
			group[at].Fail(found.Err)
			group[at].Workload = found.Workload
		}
	}
}
