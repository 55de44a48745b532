// Package binding gives workloads their own login roles in databases: one pipeline for one binding and for a thousand. Each item is observed,
// planned and executed in four phases: roles, Secrets, workloads and rollouts. It knows no command line and no SQL.
package binding

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads; *workload.Client does.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
	List(ctx context.Context, namespace string, of workload.Type) ([]*workload.Workload, error)
	TopOwner(ctx context.Context, w *workload.Workload) (string, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Reread(ctx context.Context, w *workload.Workload) (*workload.Workload, error)
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Server creates, verifies and drops login roles on one server; *postgres.Server does. One goroutine uses it at a time.
type Server interface {
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	BindAll(ctx context.Context, requests []postgres.Request) []postgres.Outcome
	Undo(ctx context.Context, b postgres.Binding) ([]string, error)
	LastRun(ctx context.Context, role string) (string, error)
}

// Progress is told how far items are, by several goroutines at once.
type Progress interface {
	Verified(i *Item) // its login works
	Bound(i *Item)    // its workload has the Secret, or a dry run has shown what it would get
	Finished(i *Item) // it is done, or has failed
}

// Pipeline makes bindings.
type Pipeline struct {
	Workloads Workloads
	Databases Databases
	Server    func(*target.Database, Options) Server
	Kube      kubernetes.Interface
	Metadata  metadata.Interface
	Progress  Progress

	// ServerConcurrency is how many execs run at once in the database Pods of one node.
	ServerConcurrency int
	// Part is the shard of the items that is made: others may be made at the same time, and must not take the same names.
	Part shard.Shard
}

// rounds limits how often an item that met another writer is observed again. Fifty runs that look for a free name need more than five.
const rounds = 10

// undoEach is how much longer a roll-back may take for each item that may be in the way.
const undoEach = 100 * time.Millisecond

// Run binds the items. Running it again changes nothing. Each item has its own error then: until the API server has accepted the change of
// its workload, an error, or the end of ctx, rolls back what this run created for it; after that the binding stays, and the error is a
// *RolloutError. The returned error says that two items are one, and that nothing was done.
func (p *Pipeline) Run(ctx context.Context, items []*Item) error {
	if err := refuseDoubles(items); err != nil {
		return err
	}
	r := &run{Pipeline: p, all: items, items: Shard(p.Part, items)}
	r.servers = newServers(p, len(r.items))
	r.undoLimit = undo.DefaultLimit + time.Duration(len(r.items)-1)*undoEach
	backoff := wait.Backoff{Steps: rounds, Duration: 100 * time.Millisecond, Factor: 1.5, Jitter: 1}
	for left, round := r.items, 1; len(left) > 0; round++ {
		left = r.round(ctx, left)
		if len(left) > 0 && (round == rounds || !pause(ctx, backoff.Step())) {
			for _, i := range left {
				i.fail(cmp.Or(context.Cause(ctx), i.conflict))
			}
			r.rollBack(ctx, left)
			break
		}
	}
	r.rollouts.Wait()
	return nil
}

// run is one Run.
type run struct {
	*Pipeline
	all, items []*Item
	servers    *servers
	undoLimit  time.Duration
	rollouts   sync.WaitGroup

	mu      sync.Mutex
	claimed map[types.NamespacedName]*Item // Secrets
}

// round observes, plans and executes items, and returns those that met another writer. Those of each server go through the phases by
// themselves: a server that does not answer holds up nobody else.
func (r *run) round(ctx context.Context, items []*Item) (again []*Item) {
	for _, i := range items {
		i.conflict = nil
	}
	r.through(ctx, items, r.observe, r.show)
	r.rollBack(ctx, items)
	eachGroup(byServer(open(items)), func(_ types.NamespacedName, of []*Item) {
		met := r.execute(ctx, of)
		r.mu.Lock()
		defer r.mu.Unlock()
		again = append(again, met...)
	})
	return again
}

// execute takes the items of one server through the phases, and returns those that met another writer. The rollouts of the others are
// followed until the end of the run.
func (r *run) execute(ctx context.Context, items []*Item) (again []*Item) {
	r.through(ctx, items, r.roles, r.secrets, r.workloads)
	r.rollBack(ctx, items)
	bound := open(items)
	for _, i := range items {
		if i.conflict != nil {
			again = append(again, i)
		}
	}
	r.rollouts.Go(func() { r.follow(ctx, bound) })
	return again
}

// through takes items through phases, until they fail, or meet another writer.
func (r *run) through(ctx context.Context, items []*Item, phases ...func(context.Context, []*Item)) {
	for _, phase := range phases {
		if items = open(items); len(items) == 0 {
			return
		}
		if ctx.Err() != nil {
			for _, i := range items {
				i.fail(context.Cause(ctx))
			}
			return
		}
		phase(ctx, items)
	}
}

// byServer splits items by the Pod of their server.
func byServer(items []*Item) map[types.NamespacedName][]*Item {
	groups := map[types.NamespacedName][]*Item{}
	for _, i := range items {
		pod := i.plan.database.Pod
		key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
		groups[key] = append(groups[key], i)
	}
	return groups
}

// rollBack deletes what was created for items that have failed, and ends them.
func (r *run) rollBack(ctx context.Context, items []*Item) {
	var failed []*Item
	for _, i := range items {
		if i.Err != nil && !i.finished {
			failed = append(failed, i)
		}
	}
	each(failed, func(i *Item) {
		i.rollBack(ctx, r.undoLimit)
		r.finish(i)
	})
}

// finish reports the end of an item.
func (r *run) finish(i *Item) {
	i.finished = true
	r.Progress.Finished(i)
}

// open picks the items that go on to the next phase.
func open(items []*Item) []*Item {
	var picked []*Item
	for _, i := range items {
		if i.Err == nil && i.conflict == nil && !i.finished {
			picked = append(picked, i)
		}
	}
	return picked
}

// atOnce limits how many items are worked on at once in a phase.
const atOnce = 1000

// each calls do for all items, many at once.
func each(items []*Item, do func(*Item)) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, i := range items {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // each item keeps its own error
}

// eachGroup calls do for all groups of items, many at once.
func eachGroup[K comparable](groups map[K][]*Item, do func(key K, items []*Item)) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for key, items := range groups {
		group.Go(func() error {
			do(key, items)
			return nil
		})
	}
	_ = group.Wait() // each item keeps its own error
}

// pause waits, and says whether ctx is still alive then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errBoundMeanwhile says that the workload refers to another Secret of this binding than it did when it was observed.
var errBoundMeanwhile = errors.New("was bound meanwhile")
