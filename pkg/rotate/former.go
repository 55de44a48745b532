package rotate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// drain waits for the sessions of a role that nothing new logs in as. Those that are idle after the grace, in a pool, are ended.
func (r *Rotator) drain(ctx context.Context, p *rotation, role string) error {
	if p.unseen || p.kept {
		return nil
	}
	left, err := r.retirer(p).AwaitSessions(ctx, role, p.options.Grace)
	if err != nil || left == 0 {
		return err
	}
	if err := p.roles.EndIdle(ctx, p.Owner(), role); err != nil {
		return fmt.Errorf("end the idle sessions of role %q: %w", role, err)
	}
	left, err = r.retirer(p).AwaitSessions(ctx, role, p.options.Drain)
	if err == nil && left > 0 {
		r.Report.Warn("%d sessions of role %s did not end in time and are ended now", left, role)
	}
	return err
}

// retireFormer drops a role that nothing uses any more. Where that cannot be seen, the role stays until the next rotation, or for as long
// as the options say.
func (r *Rotator) retireFormer(ctx context.Context, p *rotation, role string) error {
	if p.kept {
		r.Report.Step("role %s stays until the next rotation, since Pods still have its login", role)
		return nil
	}
	if p.unseen {
		wait := max(p.options.Settle, p.options.DropAfter)
		r.Report.Step("nobody can see when the new login is taken up: waiting %s", wait)
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

// drop is what cannot be undone.
func (r *Rotator) drop(ctx context.Context, p *rotation, role string) error {
	err := r.retirer(p).LockOut(ctx, role)
	if err == nil {
		err = r.retirer(p).Drop(ctx, role, p.held.Databases)
	}
	if err != nil {
		return fmt.Errorf("%w (the new login is in use; the same command goes on from there)", err)
	}
	r.Report.Done("role/"+role, "dropped")
	return nil
}

// finishEarlier retires the roles that earlier rotations left behind. done says that this completes a rotation that died.
func (r *Rotator) finishEarlier(ctx context.Context, p *rotation) (done bool, err error) {
	if len(p.earlier) == 0 || p.Secret == nil {
		return false, nil
	}
	if p.unseen {
		// The Secret was changed by an earlier run; what reads its files has had the time since then.
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
		return false, fmt.Errorf("an earlier rotation of secret/%s is not through, since Pods still have the login of %s: replace them first", p.SecretName, strings.Join(p.earlier, ", "))
	}
	for _, role := range p.earlier {
		if err := r.drain(ctx, &current, role); err != nil {
			return false, err
		}
		// The earlier run may be under way still, and take back what it made.
		if _, c, err := r.handedOver(ctx, &current); c == nil {
			return false, errors.Join(fmt.Errorf("secret/%s in namespace %s no longer holds the login of role %q: run the command again", p.SecretName, p.Namespace, current.role), err)
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

// sleep waits, or returns the reason why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the new login to be taken up: %w", context.Cause(ctx))
	case <-time.After(d):
		return nil
	}
}
