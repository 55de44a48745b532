package unbind

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// pollInterval is the interval between lists of Pods.
const pollInterval = time.Second

// awaitPods waits until no Pod uses the logins: first for the rollouts, and then for the Pods and Jobs that end later.
// The time limit is that of all items.
func (r *run) awaitPods(ctx context.Context, items []*Item) {
	ctx, cancel := workload.Limit(ctx, r.options.Timeout)
	defer cancel()
	each(items, func(i *Item) { i.Fail(workload.InTime(ctx, r.awaitRollout(ctx, i))) })
	r.awaitEnd(ctx, phases.Open(items))
}

// awaitRollout waits for the new Pods of the workload, or replaces the Pods if the workload does not.
func (r *run) awaitRollout(ctx context.Context, i *Item) error {
	if i.Workload == nil {
		return nil
	}
	progress := func(line string) { r.Report.Step("%s", line) }
	replaced, err := workload.ReplacePodsOf(ctx, r.Workloads, i.Workload, workload.Replacement{
		Secret: i.SecretName, Restart: r.options.Restart, Progress: progress,
	})
	if err == nil && !replaced {
		progress(i.Workload.Rollout().Message)
	}
	return err
}

// awaitEnd waits until no Pod or Job with the former credentials is left.
func (r *run) awaitEnd(ctx context.Context, items []*Item) {
	reported := map[*Item]string{}
	for waiting := items; len(waiting) > 0; {
		lists := r.lists(waiting)
		var left []*Item
		for _, i := range waiting {
			names, err := r.podsLeft(ctx, lists, i)
			if err != nil && ctx.Err() == nil {
				i.Fail(err)
				continue
			}
			if err == nil && names == "" {
				continue
			}
			if left = append(left, i); err == nil && names != reported[i] {
				reported[i] = names
				r.Report.Step("Waiting for Pods and Jobs with the former credentials to end%s: %s", workload.TimeLeft(ctx), names)
			}
		}
		if waiting = left; len(waiting) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			for _, i := range waiting {
				i.Fail(fmt.Errorf("wait for Pods and Jobs with the former credentials to end (%s): %w", reported[i], context.Cause(ctx)))
			}
			return
		case <-time.After(pollInterval):
		}
	}
}

// podsLeft returns the names of the workload's Pods and Jobs with the former credentials, or of all Pods that use the
// Secret if the workload is deleted.
func (r *run) podsLeft(ctx context.Context, lists Lists, i *Item) (string, error) {
	switch {
	case i.Workload != nil:
		return lists.Outdated(ctx, i.Workload, i.SecretName)
	case r.options.Force:
		return "", nil
	}
	return lists.Using(ctx, i.Namespace, i.SecretName)
}
