package apply

import (
	"sync"
	"time"
)

// patience is how long something may stand still before nobody waits for it any more.
const patience = 10 * time.Second

// movement is when something last moved.
type movement struct {
	mu   sync.Mutex
	last time.Time
}

func (m *movement) note() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Now()
}

// left is how much of the patience is left; none if nothing has moved for so long.
func (m *movement) left() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return patience - time.Since(m.last)
}

// turnstile lets so many in at once, and others beside them where for a while nobody has come out: those who are inside may be stuck.
type turnstile struct {
	slots chan struct{}
	out   movement
}

func newTurnstile(limit int) *turnstile { return &turnstile{slots: make(chan struct{}, limit)} }

// enter waits for a way in. Whoever is in leaves by the function that it returns.
func (t *turnstile) enter() (leave func()) {
	for wait := patience; wait > 0; wait = t.out.left() {
		select {
		case t.slots <- struct{}{}:
			return func() {
				t.out.note()
				<-t.slots
			}
		case <-time.After(wait):
		}
	}
	return t.out.note
}
