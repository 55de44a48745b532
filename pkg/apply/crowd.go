package apply

import (
	"context"
	"sync"
)

// crowd is the bindings that still need something.
type crowd struct {
	mu     sync.Mutex
	number int
	gone   chan struct{} // closed when they have all left
}

// enter adds one of them.
func (c *crowd) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number == 0 {
		c.gone = make(chan struct{})
	}
	c.number++
}

// leave takes one away.
func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number--; c.number == 0 {
		close(c.gone)
	}
}

// wait waits until all that are there have left, or ctx ends.
func (c *crowd) wait(ctx context.Context) {
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	if gone == nil {
		return
	}
	select {
	case <-gone:
	case <-ctx.Done():
	}
}
