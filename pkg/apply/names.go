package apply

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// names gives each new binding the next free default name for its Secret, without asking for each name whether it is free.
type names struct {
	client   metadata.Interface
	part     shard.Shard
	reserved map[types.NamespacedName]bool // by the files themselves
	spaces   memo[string, *space]
}

// space is the Secrets of one namespace.
type space struct {
	mu    sync.Mutex
	taken map[string]bool
	owned map[string]string // names by the ids of their bindings
	next  int               // number of the default name that is tried next
}

// choose returns the name for the Secret of the binding id of a workload, where the file wants no other, and whether no Secret has it
// yet. It is empty where the workload names it itself, or the Secrets may not be listed, so that a bind has to find out.
func (n *names) choose(ctx context.Context, w *workload.Workload, id, wanted string) (name string, free bool, err error) {
	for _, a := range credentials.AnnotationsOf(w.Annotations()) {
		if a.ID == id {
			return wanted, false, nil
		}
	}
	s, err := n.spaces.get(w.Namespace(), func() (*space, error) { return n.read(ctx, w.Namespace()) })
	if s == nil || err != nil {
		return wanted, false, err
	}
	if wanted != "" {
		return wanted, !s.taken[wanted], nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.owned[id]; ok {
		return name, false, nil
	}
	for {
		name := credentials.SecretName(s.next)
		s.next += max(n.part.Count, 1)
		if !s.taken[name] && !n.reserved[types.NamespacedName{Namespace: w.Namespace(), Name: name}] {
			return name, true, nil
		}
	}
}

// read lists the Secrets of a namespace; nil where that is forbidden.
func (n *names) read(ctx context.Context, namespace string) (*space, error) {
	s := &space{taken: map[string]bool{}, owned: map[string]string{}, next: 1 + n.part.Index}
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
