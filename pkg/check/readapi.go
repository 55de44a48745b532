package check

import (
	"context"
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// atOnce is the number of namespaces, and in each of workloads, that are read from the API server at the same time.
const atOnce = 8

// readAPI reads what the metadata of the bindings does not contain: the values of Secrets, the workloads and their Pods.
func (c *Checker) readAPI(ctx context.Context, all []facts) {
	uids := c.namespaceUIDs(ctx, all)
	var items []*facts
	for i := range all {
		all[i].namespaceUID = uids[all[i].binding.Namespace]
		items = append(items, &all[i])
	}
	parallel.EachGroup(items, func(f *facts) string { return f.binding.Namespace }, atOnce, func(namespace string, of []*facts) {
		c.readSecrets(ctx, namespace, of)
		c.readWorkloads(ctx, namespace, of)
	})
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

// readSecrets lists the Secrets of a namespace with many bindings. It reads those that the list does not contain by name.
func (c *Checker) readSecrets(ctx context.Context, namespace string, of []*facts) {
	secrets := c.Kube.CoreV1().Secrets(namespace)
	var listed map[string]*corev1.Secret
	if len(of) >= workload.ListThreshold {
		// Not every user who may read Secrets may list them.
		listed, _ = secret.List(ctx, c.Kube, namespace)
	}
	parallel.Each(of, atOnce, func(f *facts) {
		if f.binding.Secret == inventory.Absent {
			return
		}
		stored, err := listed[f.binding.SecretName], error(nil)
		if stored == nil {
			stored, err = secrets.Get(ctx, f.binding.SecretName, metav1.GetOptions{})
		}
		f.addSecret(stored, err)
	})
}

// addSecret adds the values of the Secret, or the error from reading it.
func (f *facts) addSecret(stored *corev1.Secret, err error) {
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

// readWorkloads reads the workloads of a namespace and their Pods.
func (c *Checker) readWorkloads(ctx context.Context, namespace string, of []*facts) {
	var names []string
	var items []*facts
	for _, f := range of {
		if f.binding.Workload != inventory.Absent && f.binding.Marks.Workload != "" {
			names, items = append(names, f.binding.Marks.Workload), append(items, f)
		}
	}
	for at, found := range c.Workloads.LookupAll(ctx, namespace, names) {
		items[at].found = found
	}
	parallel.Each(items, atOnce, func(f *facts) { c.addWorkload(ctx, f) })
}

// addWorkload adds what the workload says about its use of the Secret, and reads its Pods.
func (c *Checker) addWorkload(ctx context.Context, f *facts) {
	b, w := f.binding, f.found.Workload
	switch {
	case f.found.Err != nil:
		f.workloadErr = f.found.Err
		return
	case w == nil && b.Workload == inventory.Unread:
		b.Workload = inventory.Absent
		return
	case w == nil:
		f.workloadErr = errors.New("it was deleted during the check")
		return
	}
	// The inventory does not list every kind, and not every user may list.
	if b.Found(w.UID()); b.Workload == inventory.Absent {
		return
	}
	rollout := w.Rollout()
	f.replicas, f.pods, f.isPod = w.Replicas(), rollout.Kind, w.IsPod()
	if rollout.Kind == workload.Paused {
		f.paused = rollout.Message
	}
	f.referenced = workload.UsesSecret(&w.Template().Spec, b.SecretName)
	f.hidden = c.Workloads.Hidden(ctx, w, b.SecretName, f.keys)
	f.removedBy, _ = workload.RemovedBy(w, b.SecretName)
	used, err := []string{b.Marks.OwnerContainer}, error(nil)
	if !b.Marks.IsOwner() {
		used, err = workload.Containers(
			w.Template(),
			b.Marks.Containers,
			secret.OwnerContainers(w.Annotations(), b.Marks.DBName)...)
	}
	if err == nil {
		f.managedBy, _ = workload.ManagedBy(w, used)
	}
	pods, err := c.Workloads.StalePods(ctx, w, b.SecretName, b.Marks.RotatedAt())
	f.workloadErr = err
	for _, pod := range pods {
		f.stalePods = append(f.stalePods, pod.Name)
		if w.IsFormer(pod, b.SecretName) {
			f.rollout = w.StatusCommand()
		}
	}
}
