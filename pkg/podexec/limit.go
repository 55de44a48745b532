package podexec

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLimit reports that a command did not end within its time limit. It can still be running in the container.
var ErrLimit = errors.New("the command did not end in time")

// Limited returns an Executor that runs commands with next and waits at most limit for each, because a container runtime or a proxy that
// loses the end of a stream would block the caller forever. At the limit, the error is both ErrLimit and context.DeadlineExceeded.
func Limited(next Executor, limit time.Duration) Executor {
	return limited{next: next, limit: limit}
}

type limited struct {
	next  Executor
	limit time.Duration
}

// Exec implements Executor.
func (l limited) Exec(ctx context.Context, c Container, argv []string, s Streams) error {
	within, cancel := context.WithTimeoutCause(ctx, l.limit, ErrLimit)
	defer cancel()
	err := l.next.Exec(within, c, argv, s)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), ErrLimit) {
		return fmt.Errorf("%w: %w (%s, see --request-timeout)", err, ErrLimit, l.limit)
	}
	return err
}
