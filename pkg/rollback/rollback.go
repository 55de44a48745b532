// Package rollback rolls back what a run created when a later step fails.
package rollback

import (
	"context"
	"slices"
	"time"
)

// DefaultLimit limits the time of a roll-back that does not wait for anything.
const DefaultLimit = time.Minute

// Reporter reports what is rolled back.
type Reporter interface {
	Step(format string, args ...any)
	Warn(format string, args ...any)
}

// Step rolls back one thing.
type Step struct {
	What string                                       // what is rolled back, as the user knows it
	How  string                                       // the command that does the same
	Do   func(context.Context) (done bool, err error) // not done: there was nothing left to roll back
}

// Stack collects the steps that roll back a run.
type Stack struct {
	Report Reporter
	Limit  time.Duration // for all steps; zero: DefaultLimit

	steps []Step
}

// Empty reports whether the run created nothing that can be rolled back.
func (s *Stack) Empty() bool { return len(s.steps) == 0 }

// Push adds the step that rolls back what the run created last.
func (s *Stack) Push(step Step) { s.steps = append(s.steps, step) }

// Run runs the steps in reverse order, even if ctx has ended, and returns cause. For a step that fails it reports the command that
// does the same.
func (s *Stack) Run(ctx context.Context, cause error) error {
	limit := s.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	ctx, cancel := AfterEnd(ctx, limit)
	defer cancel()
	for _, step := range slices.Backward(s.steps) {
		done, err := step.Do(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			s.Report.Warn("%s was not rolled back within %s: run: %s", step.What, limit, step.How)
		case err != nil:
			s.Report.Warn("%s could not be rolled back (%v): run: %s", step.What, err, step.How)
		case done:
			s.Report.Step("%s rolled back", step.What)
		}
	}
	return cause
}

// AfterEnd returns a context for work that must be done even if ctx has ended.
func AfterEnd(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
