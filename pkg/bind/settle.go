package bind

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// errOvertaken says that another run for the same workload made the Secret first, so that its password counts.
var errOvertaken = errors.New("another run for the same workload was first")

// settle sees to it that the login role and the Secret are there and agree. Other runs for the same workload may be under way: what
// one of them changed in between is looked at again, until the Secret's password is the role's.
func (b *Binder) settle(ctx context.Context, p *plan, made *undo.Stack) error {
	backoff := wait.Backoff{Steps: 10, Duration: 100 * time.Millisecond, Factor: 1.5, Jitter: 1}
	var did []string
	for {
		result, err := b.onPrimary(ctx, p, made)
		if result != nil {
			did = append(did, result.Did...)
		}
		if err == nil {
			p.result = result
			err = b.secret(ctx, p, result.Host, made)
		}
		if err == nil {
			result.Did = slices.Compact(did)
			b.explain(p, result)
			return nil
		}
		if backoff.Steps == 0 || !b.overtaken(ctx, p, err) {
			return err
		}
		if !pause(ctx, backoff.Step()) {
			return context.Cause(ctx)
		}
		if err := b.lookAgain(ctx, p); err != nil {
			return err
		}
	}
}

// overtaken says whether err comes of another run for the same workload, or of whoever else wrote to its Secret, so that a second look helps.
// It is not told by the error's wording, but by the API server's reason, or by the role's mark, which names the run that last set the password.
func (b *Binder) overtaken(ctx context.Context, p *plan, err error) bool {
	var login *postgres.LoginError
	switch {
	case errors.Is(err, errOvertaken), errors.Is(err, postgres.ErrIncomplete), apierrors.IsConflict(err):
		return true
	case errors.As(err, &login):
		run, err := p.roles.LastRun(ctx, p.binding.Role)
		return err == nil && run != p.binding.Owner.Run
	}
	return false
}

// pause waits, and says whether ctx is still alive then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// keepSecret makes role and Secret once more if another run took them back while this one relied on them.
func (b *Binder) keepSecret(ctx context.Context, p *plan, changed bool) error {
	if p.secret.created || p.secret.existing == nil || p.noted() && !changed {
		return nil
	}
	if _, err := b.readSecret(ctx, p); !apierrors.IsNotFound(err) {
		return err
	}
	p.secret.existing = nil
	err := b.settle(ctx, p, &undo.Stack{Report: b.Report})
	b.verified(p)
	return err
}
