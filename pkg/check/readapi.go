package check

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// parallel is the number of bindings that are read from the API server at the same time.
const parallel = 8

// readAPI reads what the metadata of the binding does not contain: the Secret's values, the workload and its Pods.
func (c *Checker) readAPI(ctx context.Context, all []facts) {
	uids := c.namespaceUIDs(ctx, all)
	var reads errgroup.Group
	reads.SetLimit(parallel)
	for i := range all {
		f := &all[i]
		f.namespaceUID = uids[f.binding.Namespace]
		reads.Go(func() error {
			c.readSecret(ctx, f)
			c.readWorkload(ctx, f)
			return nil
		})
	}
	_ = reads.Wait() // each binding keeps its own error
}

// namespaceUIDs returns the UID of each namespace, empty if it cannot be read.
func (c *Checker) namespaceUIDs(ctx context.Context, all []facts) map[string]string {
	uids := map[string]string{}
	for i := range all {
		name := all[i].binding.Namespace
		if _, known := uids[name]; known {
			continue
		}
		uids[name] = ""
		if namespace, err := c.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); err == nil {
			uids[name] = string(namespace.UID)
		}
	}
	return uids
}

func (c *Checker) readSecret(ctx context.Context, f *facts) {
	if f.binding.Secret == inventory.Absent {
		return
	}
	stored, err := c.Kube.CoreV1().Secrets(f.binding.Namespace).Get(ctx, f.binding.SecretName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		f.binding.Secret = inventory.Absent
	case err != nil:
		f.secretErr = err
	default:
		if marks, ok := secret.MarksOf(stored); ok {
			f.binding.Marks, f.binding.Secret = marks, inventory.Present
		}
		f.credentials, f.complete = secret.Of(stored)
		f.damaged = secret.Damaged(stored)
		f.keys = slices.Sorted(maps.Keys(stored.Data))
	}
}

func (c *Checker) readWorkload(ctx context.Context, f *facts) {
	b := f.binding
	if b.Workload == inventory.Absent || b.Marks.Workload == "" {
		return
	}
	found, err := c.Workloads.Get(ctx, b.Namespace, []string{b.Marks.Workload})
	if apierrors.IsNotFound(err) && b.Workload == inventory.Unread {
		b.Workload = inventory.Absent
		return
	}
	if err != nil || len(found) != 1 {
		f.workloadErr = err
		if apierrors.IsNotFound(err) {
			f.workloadErr = fmt.Errorf("it was deleted during the check: %w", err)
		}
		return
	}
	// The inventory does not list every kind, and not every user may list.
	if b.Found(found[0].UID()); b.Workload == inventory.Absent {
		return
	}
	f.replicas, f.pods, f.isPod = found[0].Replicas(), found[0].Rollout().Kind, found[0].IsPod()
	f.referenced = workload.UsesSecret(&found[0].Template().Spec, b.SecretName)
	f.hidden = c.Workloads.Hidden(ctx, found[0], b.SecretName, f.keys)
	f.removedBy, _ = workload.RemovedBy(found[0], b.SecretName)
	used, err := []string{b.Marks.OwnerContainer}, error(nil)
	if !b.Marks.IsOwner() {
		used, err = workload.Containers(
			found[0].Template(),
			b.Marks.Containers,
			secret.OwnerContainers(found[0].Annotations(), b.Marks.DBName)...)
	}
	if err == nil {
		f.managedBy, _ = workload.ManagedBy(found[0], used)
	}
	pods, err := c.Workloads.StalePods(ctx, found[0], b.SecretName, b.Marks.RotatedAt())
	f.workloadErr = err
	for _, pod := range pods {
		f.stalePods = append(f.stalePods, pod.Name)
	}
}
