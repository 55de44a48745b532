package parallel

import "sync"

// The number of items that share an exec: enough to make the cost of the exec small, and few enough to keep several execs busy.
const (
	smallestBatch = 25
	largestBatch  = 250
)

// BatchSize returns the maximum number of items in an exec, if at most limit execs run at the same time.
func BatchSize(items, limit int) int {
	return min(max((items+limit-1)/limit, smallestBatch), largestBatch)
}

// Pool lends servers to one goroutine at a time. It keeps a server for the next caller with the same key, because the server has found
// out how to log in.
type Pool[K comparable, S any] struct {
	limit int

	mu    sync.Mutex
	idle  map[K][]S
	slots map[string]chan struct{}
}

// NewPool returns a Pool that lends at most limit servers of each place at the same time.
func NewPool[K comparable, S any](limit int) *Pool[K, S] {
	return &Pool[K, S]{limit: limit, idle: map[K][]S{}, slots: map[string]chan struct{}{}}
}

// With calls do with a server for the key, which open returns if none is idle. It waits until the place has a free slot.
func (p *Pool[K, S]) With(place string, key K, open func() S, do func(S)) {
	slots := p.slotsOf(place)
	slots <- struct{}{}
	defer func() { <-slots }()
	server, found := p.take(key)
	if !found {
		server = open()
	}
	do(server)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle[key] = append(p.idle[key], server)
}

func (p *Pool[K, S]) slotsOf(place string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots[place] == nil {
		p.slots[place] = make(chan struct{}, p.limit)
	}
	return p.slots[place]
}

func (p *Pool[K, S]) take(key K) (server S, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle[key]
	if len(idle) == 0 {
		return server, false
	}
	p.idle[key] = idle[:len(idle)-1]
	return idle[len(idle)-1], true
}
