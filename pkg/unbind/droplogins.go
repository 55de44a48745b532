package unbind

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// attempts limits how often the roles are dropped before the Secret is deleted.
const attempts = 3

// dropLogins drops the login roles and then deletes the Secrets that name them. If a rotation changed a Secret in between, it has
// created another role: the item repeats all of it.
func (r *run) dropLogins(ctx context.Context, items []*Item) {
	for tried := 1; len(items) > 0; tried++ {
		items = r.leaveRemoved(ctx, items)
		r.refresh(ctx, items)
		eachTarget(phases.Open(items), func(on *target, items []*Item) {
			r.retire(ctx, on, items)
			switch {
			case r.options.DropDatabase:
				r.dropDatabases(ctx, on, phases.Open(items))
			case r.options.Purge:
				r.purge(ctx, on, phases.Open(items))
			}
		})
		var changed []*Item
		each(phases.Open(items), func(i *Item) {
			i.conflict = nil
			err := r.removeSecret(ctx, i)
			if apierrors.IsConflict(err) && tried < attempts {
				i.conflict = err
				return
			}
			i.Fail(err)
		})
		for _, i := range phases.Open(items) {
			if i.conflict != nil {
				changed = append(changed, i)
			}
		}
		items = changed
	}
}

// leaveRemoved returns the items whose workloads still have the annotation of this unbind. If it is gone, another run
// has finished the unbind, and the workload can have a new binding with a role of the same name.
func (r *run) leaveRemoved(ctx context.Context, items []*Item) []*Item {
	var left, noted []*Item
	for _, i := range items {
		if i.Workload != nil && i.notesUnbinding(i.Workload) {
			noted = append(noted, i)
		} else {
			left = append(left, i)
		}
	}
	for _, group := range parallel.GroupBy(noted, func(i *Item) string { return i.Namespace }) {
		var names []string
		for _, i := range group {
			names = append(names, i.Name)
		}
		for at, current := range r.Workloads.LookupAll(ctx, group[0].Namespace, names) {
			i := group[at]
			switch {
			case current.Err != nil:
				i.Fail(fmt.Errorf("check for another run: %w", current.Err))
			case current.Workload == nil || i.notesUnbinding(current.Workload):
				left = append(left, i)
			}
		}
	}
	return left
}

// refresh reads the Secrets again, and the roles if a rotation changed a Secret before it noticed the unbind. A Secret
// that was deleted, or that belongs to another binding by now, is not deleted.
func (r *run) refresh(ctx context.Context, items []*Item) {
	before := map[*Item]*corev1.Secret{}
	for _, i := range items {
		before[i] = i.Secret
	}
	for _, group := range parallel.GroupBy(items, func(i *Item) string { return i.Namespace }) {
		listed := r.listSecrets(ctx, group)
		each(group, func(i *Item) { i.Fail(r.refreshSecret(ctx, i, listed[i.SecretName])) })
	}
	if r.options.Abandon {
		return
	}
	var changed []*Item
	for _, i := range phases.Open(items) {
		if i.Secret != nil && i.Secret.ResourceVersion != before[i].ResourceVersion {
			changed = append(changed, i)
		}
	}
	r.survey(ctx, changed)
}

// listSecrets lists the Secrets of bindings for many items of a namespace. Those that it does not return are read one by one.
func (r *run) listSecrets(ctx context.Context, items []*Item) map[string]*corev1.Secret {
	if len(items) < workload.ListThreshold {
		return nil
	}
	listed, err := secret.List(ctx, r.Kube, items[0].Namespace)
	if err != nil {
		return nil
	}
	return listed
}

// refreshSecret replaces the Secret of the item by its current version, or by nil if it is not the binding's any more.
func (r *run) refreshSecret(ctx context.Context, i *Item, current *corev1.Secret) error {
	if current == nil {
		var err error
		if current, err = r.readSecret(ctx, i); err != nil {
			return err
		}
	}
	if i.Secret == nil || current == nil {
		i.Secret = nil
		return nil
	}
	marks, _ := secret.MarksOf(current)
	if marks.ID != i.Marks.ID {
		i.Secret = nil
		return nil
	}
	i.Secret, i.Marks = current, marks
	return nil
}

// readSecret reads the current Secret; nil if it does not exist.
func (r *run) readSecret(ctx context.Context, i *Item) (*corev1.Secret, error) {
	if i.Secret == nil {
		return nil, nil
	}
	current, err := r.Kube.CoreV1().Secrets(i.Namespace).Get(ctx, i.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", i.SecretName, i.Namespace, err)
	}
	return current, nil
}

// removeSecret deletes the Secret in the version that was read last.
func (r *run) removeSecret(ctx context.Context, i *Item) error {
	if i.Secret == nil {
		return nil
	}
	err := r.deleteSecret(ctx, i, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &i.Secret.ResourceVersion}})
	if err == nil {
		r.Report.Done("secret/"+i.SecretName, "deleted")
	}
	return err
}

// deleteSecret deletes the Secret that was found, and not a newer one of the same name.
func (r *run) deleteSecret(ctx context.Context, i *Item, options metav1.DeleteOptions) error {
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	options.Preconditions.UID = &i.Secret.UID
	err := r.Kube.CoreV1().Secrets(i.Namespace).Delete(ctx, i.SecretName, options)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete secret/%s in namespace %s: %w", i.SecretName, i.Namespace, err)
	}
	return nil
}

// removeAnnotation removes the binding's annotation from the workload. Until then it keeps other runs from using the binding.
func (r *run) removeAnnotation(ctx context.Context, i *Item) error {
	if i.Workload != nil && !i.Workload.IsPod() {
		if _, _, err := r.sendPatch(ctx, i, i.removeNote, false); err != nil {
			return fmt.Errorf("remove the annotation of the binding: %w", err)
		}
	}
	r.Report.Done(i.Name, "unbound")
	if r.options.Abandon {
		return r.leftover(i)
	}
	return nil
}

// leftover prints the statements to run if the abandoned server still exists.
func (r *run) leftover(i *Item) error {
	sql, err := postgres.Leftover(i.Marks.Role, i.markedAccessRole())
	if err != nil {
		return err
	}
	r.Report.Warn("role %s was not dropped. If its server still exists, run:", i.Marks.Role)
	r.Report.Show(sql)
	return nil
}
