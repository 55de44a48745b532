package rotate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// trial is a request of an item that changes nothing.
type trial struct {
	item *item
	kind string // and namespace
	send func() error
}

// dryRun sends writes as a dry run and makes the later reads, so that missing permissions, admission and quotas fail
// before there is anything to roll back. One request of each kind in a namespace is sent: the API server accepts or
// refuses by who asks, where and what for. What it refuses of a single object later is rolled back.
func (r *run) dryRun(ctx context.Context, items []*item) {
	for _, i := range items {
		i.err = r.checkChanges(i)
	}
	if r.options.DryRun == cmdutil.DryRunClient {
		return
	}
	each(phases.Open(items), func(i *item) { i.err = r.refuseHidden(ctx, i) })
	var trials []trial
	for _, i := range phases.Open(items) {
		kind := fmt.Sprintf("secret %t in %s", i.Secret != nil, i.Namespace)
		trials = append(trials, trial{i, kind, func() error { return r.dryRunSecret(ctx, i) }})
		for _, user := range i.changeable(r.options) {
			trials = append(trials, trial{i, user.Kind().Kind + " in " + i.Namespace, func() error { return r.dryRunPatch(ctx, i, user) }})
		}
	}
	const oneKind = 1 // an item has requests of several kinds, and one error
	phases.TryFirst(trials, oneKind, func(t trial) string { return t.kind }, func(t trial) error {
		if t.item.err == nil {
			t.item.err = t.send()
		}
		return t.item.err
	})
}

// changeable returns the users whose templates a rotation changes.
func (i *item) changeable(o Options) []*workload.Workload {
	var users []*workload.Workload
	for _, user := range i.users {
		if !o.InPlace && !user.IsPod() && !user.IsJob() {
			users = append(users, user)
		}
	}
	return users
}

// checkChanges finds what it can without the API server.
func (r *run) checkChanges(i *item) error {
	for _, user := range i.changeable(r.options) {
		if err := i.toNew()(user.DeepCopy()); err != nil {
			return fmt.Errorf("%s cannot be changed to the new login: %w", user, err)
		}
	}
	for _, user := range i.users {
		if tool, removed := workload.RemovedBy(user, i.SecretName); removed {
			r.Report.Warn(
				"%s removes the reference to secret/%s from %s the next time that it applies its manifest: kubectl pgbind check names the fix",
				tool,
				i.SecretName,
				user,
			)
		}
		if err := workload.CheckFieldManager(user, i.manager()); err != nil && !r.options.Force {
			return err
		}
	}
	return nil
}

// refuseHidden refuses a workload that would not get the new login, because something else sets its variables.
func (r *run) refuseHidden(ctx context.Context, i *item) error {
	if r.options.Force || i.Secret == nil {
		return nil
	}
	keys := slices.Sorted(maps.Keys(i.Secret.Data))
	for _, user := range i.users {
		if hidden := r.Workloads.Hidden(ctx, user, i.SecretName, keys); len(hidden) > 0 {
			return fmt.Errorf("%s would not use the new login: %s: remove that, or use --force", user, hidden[0])
		}
	}
	return nil
}

// dryRunSecret reads the Secret and writes it as a dry run. Another run can have written the Secret: the actual write handles that.
func (r *run) dryRunSecret(ctx context.Context, i *item) error {
	secrets, dryRun := r.Kube.CoreV1().Secrets(i.Namespace), []string{metav1.DryRunAll}
	if _, err := secrets.Get(ctx, i.SecretName, metav1.GetOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("secret/%s in namespace %s cannot be read: %w", i.SecretName, i.Namespace, err)
	}
	wanted, err := i.wantedSecret()
	switch {
	case err != nil:
	case i.Secret == nil:
		_, err = secrets.Create(ctx, wanted, metav1.CreateOptions{FieldManager: i.manager(), DryRun: dryRun})
	default:
		_, err = secrets.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: i.manager(), DryRun: dryRun})
	}
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("secret/%s in namespace %s cannot be written: %w", i.SecretName, i.Namespace, err)
	}
	return nil
}

// dryRunPatch patches the workload as a dry run, and lists its Pods.
func (r *run) dryRunPatch(ctx context.Context, i *item, user *workload.Workload) error {
	if _, _, err := r.Workloads.Patch(ctx, i.as(user), i.toNew(), true); err != nil {
		return fmt.Errorf("%s cannot be changed to the new login: %w", user, err)
	}
	if _, err := r.Workloads.OutdatedPods(ctx, user, i.SecretName); err != nil {
		return fmt.Errorf("cannot wait for the Pods of %s: %w", user, err)
	}
	return nil
}
