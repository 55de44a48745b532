package apply

import (
	"context"
	"fmt"
	"iter"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// names gives each new binding the next free default name for its Secret, without asking for each name whether it is free.
type names struct {
	client   metadata.Interface
	reserved map[types.NamespacedName]bool // by the files themselves

	mu     sync.Mutex
	spaces map[string]func() (*space, error)
}

// space is the Secrets of one namespace.
type space struct {
	mu    sync.Mutex
	taken map[string]bool
	owned map[string]string // names by the ids of their bindings
	next  func() (string, bool)
	stop  func()
}

// choose returns the name for the Secret of the binding id of a workload; empty where the workload names it itself, or the Secrets may not be
// listed, so that a bind has to find out.
func (n *names) choose(ctx context.Context, w *workload.Workload, id string) (string, error) {
	for _, a := range credentials.AnnotationsOf(w.Annotations()) {
		if a.ID == id {
			return "", nil
		}
	}
	s, err := n.of(ctx, w.Namespace())
	if s == nil || err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.owned[id]; ok {
		return name, nil
	}
	for {
		name, _ := s.next()
		if !s.taken[name] && !n.reserved[types.NamespacedName{Namespace: w.Namespace(), Name: name}] {
			return name, nil
		}
	}
}

// of reads a namespace once; nil where that is forbidden.
func (n *names) of(ctx context.Context, namespace string) (*space, error) {
	n.mu.Lock()
	read, known := n.spaces[namespace]
	if !known {
		read = sync.OnceValues(func() (*space, error) { return n.read(ctx, namespace) })
		n.spaces[namespace] = read
	}
	n.mu.Unlock()
	return read()
}

func (n *names) read(ctx context.Context, namespace string) (*space, error) {
	s := &space{taken: map[string]bool{}, owned: map[string]string{}}
	s.next, s.stop = iter.Pull(credentials.SecretNames)
	secrets := n.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace)
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return secrets.List(ctx, options)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		object, ok := item.(*metav1.PartialObjectMetadata)
		if !ok {
			return nil
		}
		s.taken[object.Name] = true
		if marks, ours := credentials.MarksOf(object); ours {
			s.owned[marks.ID] = object.Name
		}
		return nil
	})
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the names of the Secrets in namespace %s: %w", namespace, err)
	}
	return s, nil
}

// close ends the counting.
func (n *names) close() {
	for _, read := range n.spaces {
		if s, err := read(); s != nil && err == nil {
			s.stop()
		}
	}
}
