// Package undo takes back what a run made when a later step of it fails.
package undo

import (
	"context"
	"slices"
	"time"
)

// DefaultLimit bounds the undoing after an interruption where nothing has to be waited for.
const DefaultLimit = 30 * time.Second

// Reporter tells the user what is taken back.
type Reporter interface {
	Step(format string, args ...any)
	Warn(format string, args ...any)
}

// Step takes back one thing that a run made.
type Step struct {
	What string                                       // the thing, as the user knows it
	How  string                                       // the command that does it by hand
	Do   func(context.Context) (done bool, err error) // not done: there was nothing to take back any more
}

// Stack remembers what a run made.
type Stack struct {
	Report Reporter
	Limit  time.Duration // for all steps; zero: DefaultLimit

	steps []Step
}

// Push remembers how the newest thing is taken back.
func (s *Stack) Push(step Step) { s.steps = append(s.steps, step) }

// Run takes everything back, the last thing first, also after ctx has ended, and returns cause. What could not be taken back is
// reported with the command for it.
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
		case err != nil:
			s.Report.Warn("%s could not be taken back (%v); do it with: %s", step.What, err, step.How)
		case done:
			s.Report.Step("%s taken back", step.What)
		}
	}
	return cause
}

// AfterEnd is a context for what must be done although ctx may have ended.
func AfterEnd(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
