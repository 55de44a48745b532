package bind

import "sync"

// Trials are the dry runs of bindings that are made together: what the API server has accepted from one of them, in one namespace and for one
// kind of object, is not asked again for each. It accepts or refuses by who asks, where and what for; what it refuses of a single object, it
// refuses when that is written, and what was made by then is taken back. The nil Trials ask every time.
type Trials struct {
	mu    sync.Mutex
	first map[string]*trial
}

// trial is the first one of its kind.
type trial struct {
	done chan struct{}
	err  error
}

// NewTrials returns Trials that have accepted nothing yet.
func NewTrials() *Trials { return &Trials{first: map[string]*trial{}} }

// once asks, unless that was accepted already. A refusal counts for the one who asked alone.
func (t *Trials) once(what string, ask func() error) error {
	if t == nil {
		return ask()
	}
	t.mu.Lock()
	known, waits := t.first[what]
	if !waits {
		known = &trial{done: make(chan struct{})}
		t.first[what] = known
	}
	t.mu.Unlock()
	if !waits {
		known.err = ask()
		close(known.done)
		return known.err
	}
	<-known.done
	if known.err == nil {
		return nil
	}
	return ask()
}
