package rotate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// drain waits for the sessions of the old role and terminates those that are idle after the grace period, as in a connection pool.
func (r *Rotator) drain(ctx context.Context, p *rotation, role string) error {
	if p.unseen || p.kept {
		return nil
	}
	left, err := r.retirer(p).AwaitSessions(ctx, role, p.options.Grace)
	if err != nil || left == 0 {
		return err
	}
	if err := p.roles.EndIdle(ctx, p.Owner(), role); err != nil {
		return fmt.Errorf("terminate the idle sessions of role %q: %w", role, err)
	}
	left, err = r.retirer(p).AwaitSessions(ctx, role, p.options.Drain)
	if err == nil && left > 0 {
		r.Report.Warn("%d sessions of role %s did not end in time and will be terminated", left, role)
	}
	return err
}

// retireFormer drops the old role. If it is unknown whether something still uses the role, the role stays until the next rotation, or for
// as long as the options specify.
func (r *Rotator) retireFormer(ctx context.Context, p *rotation, role string) error {
	if p.kept {
		r.Report.Step("role %s stays until the next rotation because Pods still use it", role)
		return nil
	}
	if p.unseen {
		wait := max(p.options.Settle, p.options.DropAfter)
		r.Report.Step("waiting %s, because it is unknown when the applications use the new login", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if p.options.DropAfter == 0 {
			r.Report.Step("role %s stays until the next rotation", role)
			return nil
		}
	}
	return r.drop(ctx, p, role)
}

// drop disables and drops the role. This cannot be rolled back.
func (r *Rotator) drop(ctx context.Context, p *rotation, role string) error {
	err := r.retirer(p).LockOut(ctx, role)
	if err == nil {
		err = r.retirer(p).Drop(ctx, role, p.held.Databases)
	}
	if err != nil {
		return fmt.Errorf("%w (the new login is in use: run the same command again to continue)", err)
	}
	r.Report.Done("role/"+role, "dropped")
	return nil
}

// finishEarlier drops the roles that earlier rotations left. done reports whether this completes an interrupted rotation.
func (r *Rotator) finishEarlier(ctx context.Context, p *rotation) (done bool, err error) {
	if len(p.earlier) == 0 || p.Secret == nil {
		return false, nil
	}
	if p.unseen {
		// An earlier run changed the Secret. Wait until applications have read its files.
		if err := sleep(ctx, time.Until(p.Marks.Rotated.Add(p.options.Settle))); err != nil {
			return false, err
		}
	}
	current := *p
	current.generation, current.role, current.since = p.Marks.Generation, p.former, p.Marks.Rotated
	if err := r.replacePods(ctx, &current); err != nil {
		return false, err
	}
	if current.kept {
		return false, fmt.Errorf("an earlier rotation of secret/%s is not complete because Pods still use the login of %s: replace them first",
			p.SecretName, strings.Join(p.earlier, ", "))
	}
	for _, role := range p.earlier {
		if err := r.drain(ctx, &current, role); err != nil {
			return false, err
		}
		// The earlier run can still be in progress and roll back.
		if _, c, err := r.handedOver(ctx, &current); c == nil {
			return false, errors.Join(fmt.Errorf("secret/%s in namespace %s no longer holds the login of role %q: run the command again",
				p.SecretName, p.Namespace, current.role), err)
		}
		if err := r.drop(ctx, &current, role); err != nil {
			return false, err
		}
	}
	if p.unseen {
		return false, nil
	}
	r.Report.Done("secret/"+p.SecretName, "rotated")
	return true, nil
}

// sleep waits for d, or returns the reason why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait until the applications use the new login: %w", context.Cause(ctx))
	case <-time.After(d):
		return nil
	}
}
