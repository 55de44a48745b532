package podexec

import (
	"context"
	"time"
)

// Trace describes one Exec. It contains neither the streams nor the arguments of the command.
type Trace struct {
	Target   Container
	Program  string
	Duration time.Duration
	Err      error
}

// Traced returns an Executor that runs commands with next and calls report after each. Parallel Execs call report in parallel.
func Traced(next Executor, report func(Trace)) Executor {
	return traced{next: next, report: report}
}

type traced struct {
	next   Executor
	report func(Trace)
}

// Exec implements Executor.
func (t traced) Exec(ctx context.Context, c Container, argv []string, s Streams) error {
	start := time.Now()
	err := t.next.Exec(ctx, c, argv, s)
	trace := Trace{Target: c, Duration: time.Since(start), Err: err}
	if len(argv) > 0 {
		trace.Program = argv[0]
	}
	t.report(trace)
	return err
}
