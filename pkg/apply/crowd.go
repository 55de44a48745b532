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
	out    movement
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
	c.out.note()
	if c.number--; c.number == 0 {
		close(c.gone)
	}
}

// wait waits until all that are there have left, which it says, or ctx ends.
func (c *crowd) wait(ctx context.Context) (gone bool) {
	c.mu.Lock()
	left := c.gone
	c.mu.Unlock()
	if left == nil {
		return true
	}
	select {
	case <-left:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitWhileMoving is wait as long as one leaves now and then.
func (c *crowd) waitWhileMoving(ctx context.Context) {
	for wait := patience; wait > 0 && ctx.Err() == nil; wait = c.out.left() {
		within, cancel := context.WithTimeout(ctx, wait)
		gone := c.wait(within)
		cancel()
		if gone {
			return
		}
	}
}
