package target

import (
	"context"
	"sync"
	"sync/atomic"
)

// Ahead is a Finder that was asked before its answer is needed.
type Ahead struct {
	*Finder
	ref    Ref
	choice Choice
	answer atomic.Pointer[func() ([]*Database, error)] // nil: it was given
}

// Ahead begins to look for the candidates of ref. The first call of Candidates that is about them gets this answer, every other one a new one.
func (f *Finder) Ahead(ctx context.Context, ref Ref, choice Choice) *Ahead {
	a := &Ahead{Finder: f, ref: ref, choice: choice}
	answer := sync.OnceValues(func() ([]*Database, error) { return f.Candidates(ctx, ref, choice) })
	a.answer.Store(&answer)
	go func() { _, _ = answer() }() // whoever calls Candidates gets the error
	return a
}

// Candidates is that of Finder.
func (a *Ahead) Candidates(ctx context.Context, ref Ref, choice Choice) ([]*Database, error) {
	if ref == a.ref && choice == a.choice {
		if answer := a.answer.Swap(nil); answer != nil {
			return (*answer)()
		}
	}
	return a.Finder.Candidates(ctx, ref, choice)
}
