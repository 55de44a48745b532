package apply

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// worthListing is how many workloads of a kind are wanted in a namespace before all of that kind are read at once.
const worthListing = 10

// found finds workloads, without a request for each where many are wanted.
type found struct {
	next   Workloads
	wanted map[collection]int
	lists  memo[collection, map[string]*workload.Workload]
}

// collection is the workloads of one kind in a namespace.
type collection struct{ namespace, kind string }

func newFound(next Workloads, items []*Item) *found {
	f := &found{next: next, wanted: map[collection]int{}}
	for _, item := range items {
		kind, _, _ := strings.Cut(workload.FullName(item.Document.Spec.Workload), "/")
		f.wanted[collection{item.Document.Namespace, kind}]++
	}
	return f
}

// find returns the workload TYPE/NAME.
func (f *found) find(ctx context.Context, namespace, name string) (*workload.Workload, error) {
	full := workload.FullName(name)
	kind, _, _ := strings.Cut(full, "/")
	of := collection{namespace, kind}
	if t, known := workload.TypeFor(kind); known && f.wanted[of] >= worthListing {
		list, err := f.lists.get(of, func() (map[string]*workload.Workload, error) { return f.list(ctx, of, t) })
		if err != nil {
			return nil, err
		}
		if w, ok := list[full]; ok {
			return w, nil
		}
	}
	read, err := f.next.Get(ctx, namespace, []string{name})
	if err != nil {
		return nil, err
	}
	return read[0], nil
}

// list reads a collection, by the workloads' names; it is empty where that is forbidden.
func (f *found) list(ctx context.Context, of collection, t workload.Type) (map[string]*workload.Workload, error) {
	all, err := f.next.List(ctx, of.namespace, t)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	byName := map[string]*workload.Workload{}
	for _, w := range all {
		byName[w.String()] = w
	}
	return byName, err
}
