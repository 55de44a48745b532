package podexec

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLimit says that a command had not ended when its time was over. Whether it still runs in the container is not known.
var ErrLimit = errors.New("it did not end in time")

// Limited returns an Executor that runs commands by next and waits for each of them no longer than limit: a container runtime or a proxy
// that loses the end of a stream would hold the caller forever. The error is then both ErrLimit and context.DeadlineExceeded.
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
