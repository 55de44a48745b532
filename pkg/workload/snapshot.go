package workload

import (
	"context"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// Many is the number of objects of a kind in a namespace from which one list is read instead of each object.
const Many = 10

// LookupAll is like Lookup, for workloads of one namespace by the names that kubectl prints, and lists a kind of which
// there are many. The results are in the order of the names.
func (c *Client) LookupAll(ctx context.Context, namespace string, names []string) ([]Named, error) {
	kinds := map[string]int{}
	for _, name := range names {
		kind, _, _ := strings.Cut(name, "/")
		kinds[kind]++
	}
	listed := map[string]*Workload{}
	for kind, number := range kinds {
		t, known := TypeFor(kind)
		k, _ := kindFor(schema.GroupKind{Group: t.Resource.Group, Kind: t.kind})
		// A Rollout can refer to a Deployment, which only a read of it finds.
		if !known || k.isCustom() || number < Many {
			continue
		}
		all, err := c.List(ctx, namespace, t)
		if apierrors.IsForbidden(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, w := range all {
			listed[w.String()] = w
		}
		kinds[kind] = 0
	}
	found := make([]Named, len(names))
	for i, name := range names {
		kind, _, _ := strings.Cut(name, "/")
		found[i] = Named{Name: name, Workload: listed[name]}
		if kinds[kind] == 0 {
			continue
		}
		read, err := c.Lookup(ctx, namespace, []string{name})
		if err != nil {
			return nil, err
		}
		found[i] = read[0]
	}
	return found, nil
}
