package rotate

import (
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// item is the rotation of one binding: what was read, the plan, and its progress.
type item struct {
	*inventory.Binding
	named string // the field manager that the user named
	observed
	plan *plan
	progress

	err        error
	conflict   error // another writer changed the Secret: read it again
	finished   bool  // nothing is left to do
	wrote      bool  // something was changed, even if it was rolled back
	toRollBack rollback.Stack
}

// observed is what was read.
type observed struct {
	ref          server.Ref
	candidates   []*server.Endpoint // that may be the primary
	endpoint     *server.Endpoint
	held         *postgres.Holdings
	namespaceUID string
	users        []*workload.Workload // of the Secret, including the bound workload
	unseen       bool                 // it is unknown whether something still uses the old login
}

// plan is what is done. It does not change.
type plan struct {
	former, role string // the login roles' names
	earlier      []string
	generation   int
	owner        postgres.Owner
}

// progress is how far a rotation is.
type progress struct {
	password  string // of the new login: the plan's, or that of a concurrent rotation
	existed   bool   // the new role, before this run
	source    string // the role whose privileges the new one gets: the former one, or itself if it has them
	host      string // host of the verified login
	encrypted bool   // the verified login was encrypted
	replacement
	// keepSuccessor means that something may use the new login after the roll-back.
	keepSuccessor bool
}

// replacement is the move of workloads to one login role, and the roles that nothing uses afterwards.
type replacement struct {
	to         string // the login role
	generation int
	retired    []string
	since      time.Time // Pods that start later use the login role
	kept       bool      // Pods that are not replaced use an old login
	patched    []patched
}

// patched is a workload that this run changed to the new login.
type patched struct {
	workload *workload.Workload
	before   string // the generation that its template had
}

// Open reports whether the item continues with the next phase.
func (i *item) Open() bool { return i.err == nil && i.conflict == nil && !i.finished }

// Fail ends an item.
func (i *item) Fail(err error) { i.err = err }

// retry lets an item that met another writer continue with the next round.
func (i *item) retry(err error) { i.conflict = err }

// manager returns the field manager of every write.
func (i *item) manager() string { return i.FieldManager(i.named) }

// as returns a workload for changes as the field manager.
func (i *item) as(w *workload.Workload) *workload.Workload {
	return w.As(i.manager(), i.Marks.FieldManager)
}

func filter(items []*item, keep func(*item) bool) []*item {
	var kept []*item
	for _, i := range items {
		if keep(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// atOnce limits how many items a phase works on at once.
const atOnce = 200

// each calls do for all items, many at once.
func each(items []*item, do func(*item)) { parallel.Each(items, atOnce, do) }

// eachGroup calls do for the items of each key, all keys at once.
func eachGroup[K comparable](items []*item, key func(*item) K, do func(key K, items []*item)) {
	parallel.EachGroup(items, key, -1, do)
}
