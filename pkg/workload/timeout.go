package workload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TimeoutError is the cause of a context that ended after the time of --timeout.
type TimeoutError time.Duration

func (e TimeoutError) Error() string { return "timed out after " + time.Duration(e).String() }

// Is makes it equal to the error of a context.
func (e TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Limit returns a context for a wait that the user limits with --timeout.
func Limit(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, TimeoutError(timeout))
}

// InTime adds the time of the limit to an error that the end of a context of Limit caused and that does not name it: requests return the
// error of a context, and the client's rate limiter one of its own.
func InTime(ctx context.Context, err error) error {
	limit := TimeoutError(0)
	end, limited := ctx.Deadline()
	if err == nil || !limited || time.Now().Before(end) || errors.As(err, &limit) {
		return err
	}
	if errors.As(context.Cause(ctx), &limit) {
		return fmt.Errorf("%w: %w", limit, err)
	}
	return err
}
