package unbind

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// withdraw removes the reference to the Secret from the workload.
func (u *Unbinder) withdraw(ctx context.Context, b *binding) error {
	if b.Workload == nil {
		return nil
	}
	had := workload.UsesSecret(&b.Workload.Template().Spec, b.SecretName)
	changed, did, err := u.send(ctx, b, b.removeReference, false)
	if err != nil {
		return fmt.Errorf("remove the reference to secret/%s: %w", b.SecretName, err)
	}
	if b.Workload = changed; did && had {
		u.Report.Step("reference to secret/%s removed from %s", b.SecretName, b.Name)
	}
	return nil
}

// drain waits until no Pod uses the login.
func (u *Unbinder) drain(ctx context.Context, b *binding) error {
	ctx, cancel := context.WithTimeout(ctx, b.options.Timeout)
	defer cancel()
	err := u.awaitEnd(ctx, b)
	if end, _ := ctx.Deadline(); err != nil && !errors.Is(err, context.DeadlineExceeded) && time.Now().After(end) {
		// Report the cause, because the client's rate limiter returns an error of its own at the end of ctx.
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

// awaitEnd waits for the workload's Pods, or for all users of the Secret if the workload is deleted.
func (u *Unbinder) awaitEnd(ctx context.Context, b *binding) error {
	progress := func(line string) { u.Report.Step("%s", line) }
	if b.Workload == nil {
		if b.options.Force {
			return nil
		}
		return u.Workloads.WaitSecretUnused(ctx, b.Namespace, b.SecretName, progress)
	}
	switch rollout := b.Workload.Rollout(); {
	case rollout.Kind == workload.ReplacePods && b.options.Restart:
		if err := u.Workloads.Restart(ctx, b.Workload, b.SecretName, progress); err != nil {
			return err
		}
	case rollout.Kind == workload.Followed:
		if err := u.Workloads.WaitRollout(ctx, b.Workload, progress); err != nil {
			return err
		}
	default:
		u.Report.Step("%s", rollout.Message)
	}
	return u.Workloads.WaitOutdatedGone(ctx, b.Workload, b.SecretName, progress)
}
