// Package apply makes many bindings as files say, so that bindings that run at once share what can be shared: the search for their
// database, the execs in its Pod, the reading of a namespace's names. One that fails does not stop the others. It knows no command line.
package apply

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads also finds workloads by their names; *workload.Client does.
type Workloads interface {
	bind.Workloads
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
	List(ctx context.Context, namespace string, of workload.Type) ([]*workload.Workload, error)
}

// Applier makes bindings.
type Applier struct {
	Workloads Workloads
	Databases bind.Databases
	Server    func(*target.Database, bind.Options) Server
	Kube      kubernetes.Interface
	Metadata  metadata.Interface

	// ServerConcurrency is how many execs run at once in one database Pod, and in all those of a node as long as they get on.
	ServerConcurrency int

	// Part is the shard of the items that is made: others may be made at the same time, and must not take the same names.
	Part shard.Shard

	// Proved hears of each binding whose login is proved, many at once; its workload may have to wait for others.
	Proved func()

	// Report hears of each binding when it is done, many at once.
	Report func(Result)
}

// Item is one binding to be made.
type Item struct {
	Document *manifest.Document
	Options  bind.Options

	sources sources
}

// Outcome says what became of a binding.
type Outcome string

// What may become of a binding. Configured is one that was there and is now as its file says.
const (
	Created    Outcome = "created"
	Configured Outcome = "configured"
	Unchanged  Outcome = "unchanged"
	Failed     Outcome = "failed"
)

// Result is the end of one binding.
type Result struct {
	Item     *Item
	Workload string            // as kubectl prints it, or as the file does where it was not found
	Binding  *v1alpha1.Binding // nil where Outcome is Failed and nothing was made
	Outcome  Outcome
	Warnings []string
	Shown    []string // what a dry run would do, or the patch that inject none leaves to the user
	Err      error
}

// atOnce is how many bindings are under way: so many that those of one server fill its execs, and so few that memory has an end.
const atOnce = 1000

// Apply makes the bindings that are in the Applier's part and returns when all are done. It is an error only if two of all items are one. The end
// of ctx fails those that are not done, and takes back what was half made of them.
func (a *Applier) Apply(ctx context.Context, all []*Item) error {
	if err := refuseDoubles(all); err != nil {
		return err
	}
	items := Shard(a.Part, all)
	r := &run{
		Applier: a, undoLimit: undo.DefaultLimit + time.Duration(len(items))*undoEach, servers: newServers(a, len(items)), found: newFound(a.Workloads, items), searched: &databases{next: a.Databases},
		names: &names{client: a.Metadata, part: a.Part, reserved: map[types.NamespacedName]bool{}}, trials: bind.NewTrials(),
	}
	for _, item := range all {
		r.names.reserved[types.NamespacedName{Namespace: item.Document.Namespace, Name: item.Options.Secret}] = true
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error {
			a.Report(r.bind(ctx, item))
			return nil
		})
	}
	return group.Wait()
}

// undoEach is how much longer it may take to take back what was half made, for each binding that may be in the way.
const undoEach = 100 * time.Millisecond

// run is one Apply.
type run struct {
	*Applier
	undoLimit  time.Duration
	servers    *servers
	found      *found
	searched   *databases
	names      *names
	namespaces memo[string, string]
	trials     *bind.Trials
}

// namespace is the UID of a namespace.
func (r *run) namespace(ctx context.Context, name string) (string, error) {
	return r.namespaces.get(name, func() (string, error) { return bind.NamespaceUID(ctx, r.Kube, name) })
}

// bind makes one binding.
func (r *run) bind(ctx context.Context, item *Item) Result {
	result := Result{Item: item, Workload: item.Document.Spec.Workload}
	if err := ctx.Err(); err != nil {
		result.Outcome, result.Err = Failed, context.Cause(ctx)
		return result
	}
	w, options, err := r.prepare(ctx, item)
	if err != nil {
		result.Outcome, result.Err = Failed, err
		return result
	}
	result.Workload = w.String()
	heard, used := &recorder{}, &roles{servers: r.servers}
	var proved sync.Once // a bind that another one overtakes comes to its turn again
	defer used.leave()
	binder := &bind.Binder{
		Workloads: r.Workloads, Databases: &search{databases: r.searched}, Kube: r.Kube, Metadata: r.Metadata, Report: heard, Bound: heard.bound,
		Namespaces: r.namespace, Trials: r.trials, UndoLimit: r.undoLimit, Quiet: true, // a thousand Events at once would drive out those that matter
		Turn: func(ctx context.Context) error {
			proved.Do(r.Proved)
			return used.turn(ctx, options.Rollout.Wait)
		},
		Roles: func(d *target.Database, o bind.Options) bind.Roles {
			used.use(r.servers.at(ctx, d, o))
			return used
		},
	}
	result.Err = binder.Bind(ctx, w, options)
	result.Binding, result.Warnings, result.Shown = heard.binding, heard.warnings, heard.shown
	switch {
	case result.Err != nil:
		result.Outcome = Failed
	case heard.did("created"):
		result.Outcome = Created
	case heard.did("bound", "configured") || used.changed:
		result.Outcome = Configured
	default:
		result.Outcome = Unchanged
	}
	return result
}

// prepare reads the workload and chooses the name of its Secret.
func (r *run) prepare(ctx context.Context, item *Item) (*workload.Workload, bind.Options, error) {
	options, spec := item.Options, item.Document.Spec
	w, err := r.found.find(ctx, item.Document.Namespace, spec.Workload)
	if err != nil {
		return nil, options, err
	}
	if err := item.sources.read(ctx, r.Kube, w.Namespace(), &options); err != nil || w.IsPod() {
		return w, options, err
	}
	candidates, err := r.searched.find(ctx, options.Postgres, options.Choice)
	if err != nil {
		return nil, options, err
	}
	id := credentials.ID(w.UID(), candidates[0].Location, options.Database)
	options.Secret, options.SecretFree, err = r.names.choose(ctx, w, id, options.Secret)
	return w, options, err
}
