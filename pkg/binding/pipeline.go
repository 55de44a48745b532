// Package binding gives workloads their own login roles in databases: one pipeline for one binding and for a thousand. Each item is
// observed, planned and executed in phases: roles, Secrets, workloads and rollouts. A takeover has transferOwnership in between, and an
// adoption completeAdoptions. It contains no command line and no SQL.
package binding

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/event"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/permissions"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads. *workload.Client implements it.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
	List(ctx context.Context, namespace string, of workload.Type) ([]*workload.Workload, error)
	Variables(ctx context.Context, w *workload.Workload, container, own string) (read keys.Container, unread error, err error)
	TopOwner(ctx context.Context, w *workload.Workload) (string, error)
	Users(ctx context.Context, namespace, secret string) ([]*workload.Workload, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	RecreatePod(
		ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool,
	) (*workload.Workload, bool, error)
	Reread(ctx context.Context, w *workload.Workload) (*workload.Workload, error)
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Endpoints finds the Pods of a server that can be the primary. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Defaults completes specs that do not name a server, a database or an access level. *defaults.Resolver implements it.
type Defaults interface {
	Complete(ctx context.Context, q defaults.Request) (v1alpha1.BindingSpec, []*server.Endpoint, error)
}

// Server creates databases, and creates, verifies and drops login roles, on one server. *postgres.Server implements it.
// One goroutine uses it at a time.
type Server interface {
	CreateDatabase(ctx context.Context, d postgres.NewDatabase) (did []string, err error)
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	BindAll(ctx context.Context, requests []postgres.Request) []postgres.Outcome
	Undo(ctx context.Context, spec postgres.RoleSpec) ([]string, error)
	Adoptable(ctx context.Context, spec postgres.RoleSpec, l postgres.Login) error
	CompleteAdoption(ctx context.Context, spec postgres.RoleSpec) (*postgres.TransferResult, error)
	Release(ctx context.Context, spec postgres.RoleSpec) ([]string, error)
	TransferOwnership(ctx context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error)
	ReturnOwnership(ctx context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error)
	LastRun(ctx context.Context, role string) (string, error)
}

// Progress receives the progress of items, from several goroutines at once.
type Progress interface {
	Verified(i *Item) // its login works
	Bound(i *Item)    // its workload references the Secret, or a dry run has printed the change
	Finished(i *Item) // it is done, or has failed
}

// Pipeline creates and completes bindings.
type Pipeline struct {
	Workloads Workloads
	Endpoints Endpoints
	Defaults  Defaults
	Server    func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) Server
	Kube      kubernetes.Interface
	Metadata  metadata.Interface
	Progress  Progress

	// ServerConcurrency is the number of execs that run at the same time in the database Pods of one node.
	ServerConcurrency int
	// AwaitPrimary is the pause before a server that has no primary, as during a failover, is asked again.
	AwaitPrimary time.Duration
	// Part is the shard of the items to bind. Other processes can bind the others at the same time.
	Part shard.Shard
}

// rounds limits how often an item that met another writer is observed again.
const rounds = 5

// undoEach is the additional time that a roll-back can take for each other item.
const undoEach = 100 * time.Millisecond

// Run binds the items. Running it again changes nothing. Each item has its own error. If an item fails, or ctx ends,
// before the API server has accepted the change of its workload, Run rolls back what it created for that item. After
// that the binding stays, and the error is a *RolloutError. Run itself returns an error, and does nothing, if two items
// describe the same binding.
func (p *Pipeline) Run(ctx context.Context, items []*Item) error {
	r := &run{Pipeline: p, all: items, reviewer: permissions.NewReviewer(p.Kube)}
	r.complete(ctx, items, lacksTarget)
	if err := refuseDuplicates(items); err != nil {
		return err
	}
	r.items, r.owners = Shard(p.Part, items), ownerContainers(items)
	r.complete(ctx, r.items, lacksAccess)
	r.servers = newServers(p, len(r.items))
	r.undoLimit = rollback.DefaultLimit + time.Duration(len(r.items)-1)*undoEach
	backoff := wait.Backoff{Steps: rounds, Duration: 100 * time.Millisecond, Factor: 2, Jitter: 1}
	left := phases.Repeat(ctx, r.items, backoff, r.round)
	for _, i := range left {
		i.Fail(cmp.Or(context.Cause(ctx), i.conflict))
	}
	r.rollBack(ctx, left)
	r.rollouts.Wait()
	return nil
}

// run is one Run.
type run struct {
	*Pipeline
	all, items []*Item
	owners     map[subject][]string // the owner containers of the items
	servers    *servers
	reviewer   *permissions.Reviewer
	undoLimit  time.Duration
	rollouts   sync.WaitGroup

	mu       sync.Mutex
	reserved map[types.NamespacedName]*Item // Secrets

	warnedOf sync.Map // locations of servers; see warnOfDatabase
}

// round observes, plans and executes items, and returns those that met another writer. The items of each server go through the phases
// independently, so that a server that does not answer delays no other.
func (r *run) round(ctx context.Context, items []*Item) (again []*Item) {
	for _, i := range items {
		i.conflict = nil
	}
	phases.Through(ctx, items, r.observe, r.show)
	r.rollBack(ctx, items)
	again = conflicting(items)
	eachGroup(phases.Open(items), podOf, func(_ types.NamespacedName, of []*Item) {
		met := r.execute(ctx, of)
		r.mu.Lock()
		defer r.mu.Unlock()
		again = append(again, met...)
	})
	return again
}

// execute takes the items of one server through the phases, and returns those that met another writer. It follows the rollouts of the
// others in the background.
func (r *run) execute(ctx context.Context, items []*Item) []*Item {
	phases.Through(ctx, items, r.roles, r.secrets, r.transferOwnership, r.workloads, r.completeAdoptions)
	r.rollBack(ctx, items)
	bound := phases.Open(items)
	r.rollouts.Go(func() { r.follow(ctx, bound) })
	return conflicting(items)
}

// conflicting returns the items that met another writer in this round.
func conflicting(items []*Item) (met []*Item) {
	for _, i := range items {
		if i.conflict != nil {
			met = append(met, i)
		}
	}
	return met
}

// podOf returns the name of the Pod of an item's server.
func podOf(i *Item) types.NamespacedName {
	pod := i.plan.endpoint.Pod
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

// rollBack deletes what this run created for items that have failed, and finishes them.
func (r *run) rollBack(ctx context.Context, items []*Item) {
	var failed []*Item
	for _, i := range items {
		if i.Err != nil && !i.finished {
			failed = append(failed, i)
		}
	}
	each(failed, func(i *Item) {
		r.explainForbidden(ctx, i)
		wrote := !i.toRollBack.Empty() || i.extended || i.accepted
		i.rollBack(ctx, r.undoLimit)
		if wrote {
			r.events(i).Warning(ctx, i.Workload, event.BindFailed, i.Err)
		}
		r.finish(i)
	})
}

// finish reports the end of an item.
func (r *run) finish(i *Item) {
	i.finished = true
	r.Progress.Finished(i)
}

// atOnce limits the number of items that a phase handles at the same time.
const atOnce = 1000

// each calls do for all items, many at the same time.
func each(items []*Item, do func(*Item)) { parallel.Each(items, atOnce, do) }

// eachGroup calls do for the items of each key, many keys at the same time.
func eachGroup[K comparable](items []*Item, key func(*Item) K, do func(key K, items []*Item)) {
	parallel.EachGroup(items, key, atOnce, do)
}

// errBoundMeanwhile reports that the workload now references another Secret of this binding than when it was observed.
var errBoundMeanwhile = errors.New("was bound meanwhile")

// errReplacedMeanwhile reports that the workload has other variables than when it was observed.
var errReplacedMeanwhile = errors.New("got other variables meanwhile")
