package workload

import (
	"context"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
)

// lists are the lists of one Snapshot, by namespace and kind.
type lists struct {
	mu  sync.Mutex
	all map[string]*listed
}

type listed struct {
	once    sync.Once
	objects []object
	err     error
}

// Snapshot returns a Client that lists each kind of a namespace only once, to read about many workloads. Its Users, Pods,
// StalePods, OutdatedPods, Outdated and Using see the objects as they were at the first list.
func (c *Client) Snapshot() *Client {
	snapshot := *c
	snapshot.lists = &lists{all: map[string]*listed{}}
	return &snapshot
}

// get returns the list of the kind in the namespace, without a selector: callers select by owner as well.
func (l *lists) get(ctx context.Context, c *Client, k kind, namespace string) ([]object, error) {
	key := namespace + "/" + k.gvk.String()
	l.mu.Lock()
	found := l.all[key]
	if found == nil {
		found = new(listed)
		l.all[key] = found
	}
	l.mu.Unlock()
	found.once.Do(func() { found.objects, found.err = c.listNow(ctx, k, namespace, "") })
	return found.objects, found.err
}

// Outdated returns the names of the OutdatedPods of the workload, and of the active Jobs of a CronJob that have an
// older template and can start more Pods.
func (c *Client) Outdated(ctx context.Context, w *Workload, secret string) (string, error) {
	pods, err := c.OutdatedPods(ctx, w, secret)
	if err != nil {
		return "", err
	}
	jobs, err := c.outdatedJobs(ctx, w, secret)
	return strings.Join(append(podNames(pods), jobs...), ", "), err
}

// Using returns the names of the running Pods of the namespace that use the Secret.
func (c *Client) Using(ctx context.Context, namespace, secret string) (string, error) {
	k, _ := kindFor(corev1.SchemeGroupVersion.WithKind("Pod").GroupKind())
	objects, err := c.list(ctx, k, namespace, "")
	var pods []*corev1.Pod
	for _, obj := range objects {
		w, err := newWorkload(k, obj)
		if pod, ok := obj.(*corev1.Pod); ok && err == nil && !ended(w) && UsesSecret(&pod.Spec, secret) {
			pods = append(pods, pod)
		}
	}
	return strings.Join(podNames(pods), ", "), err
}

// ListThreshold is the number of objects of a kind in a namespace from which one list is read instead of each object.
const ListThreshold = 10

// atOnce is the number of workloads that are read at the same time.
const atOnce = 8

// LookupAll reads workloads of one namespace by the names that kubectl prints. It lists a kind of which there are many, and reads the
// others by name, also those that the user must not list. The results are in the order of the names. A workload that does not exist is no
// error.
func (c *Client) LookupAll(ctx context.Context, namespace string, names []string) []*Named {
	var found []*Named
	for _, name := range names {
		found = append(found, &Named{Name: name})
	}
	for _, group := range parallel.GroupBy(found, func(n *Named) string { return kindOf(n.Name) }) {
		if c.lookupInList(ctx, namespace, group) {
			continue
		}
		parallel.Each(group, atOnce, func(n *Named) {
			read, err := c.Lookup(ctx, namespace, []string{n.Name})
			if n.Err = err; err == nil {
				n.Workload = read[0].Workload
			}
		})
	}
	return found
}

// lookupInList looks workloads of one kind up in a list, unless a read by name is better or needs less permission.
func (c *Client) lookupInList(ctx context.Context, namespace string, group []*Named) bool {
	t, known := TypeFor(kindOf(group[0].Name))
	k, _ := kindFor(schema.GroupKind{Group: t.Resource.Group, Kind: t.kind})
	// A Rollout can refer to a Deployment, which only a read of it finds.
	if !known || k.isCustom() || len(group) < ListThreshold {
		return false
	}
	all, err := c.List(ctx, namespace, t)
	if apierrors.IsForbidden(err) {
		return false
	}
	listed := map[string]*Workload{}
	for _, w := range all {
		listed[w.String()] = w
	}
	for _, n := range group {
		n.Workload, n.Err = listed[n.Name], err
	}
	return true
}

// kindOf returns the kind in a name that kubectl prints.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, "/")
	return kind
}
