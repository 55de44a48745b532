package bind

import (
	"context"
	"slices"
	"time"
)

// undoTime bounds the undoing after an interruption.
const undoTime = 30 * time.Second

// undoStep takes back one thing that this run made.
type undoStep struct {
	what string // the thing, as the user knows it
	how  string // the command that does it by hand
	do   func(context.Context) (done bool, err error)
}

// undoStack remembers what a run made.
type undoStack struct {
	report Reporter
	steps  []undoStep
}

func (u *undoStack) push(step undoStep) { u.steps = append(u.steps, step) }

// run takes everything back, the last thing first, also after ctx has ended, and returns cause. What could not be taken back is
// reported with the command for it.
func (u *undoStack) run(ctx context.Context, cause error) error {
	ctx, cancel := afterEnd(ctx)
	defer cancel()
	for _, step := range slices.Backward(u.steps) {
		done, err := step.do(ctx)
		switch {
		case err != nil:
			u.report.Warn("%s could not be taken back (%v); do it with: %s", step.what, err, step.how)
		case done:
			u.report.Step("%s taken back", step.what)
		}
	}
	return cause
}

// afterEnd is a context for what must be done although ctx may have ended.
func afterEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoTime)
}
