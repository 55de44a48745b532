package apply

import (
	"sync"
	"time"
)

// gather collects questions and asks many in one go: as many as fit into one, or, where nothing is under way that others could be waited
// for, those that come at about the same time.
type gather[Q, A any] struct {
	answer func([]Q) []A // in the order of the questions
	most   int           // how many questions go at once
	limit  int           // how many goes are under way at once
	linger time.Duration // how long to wait for another question

	mu      sync.Mutex
	waiting []*question[Q, A]
	running int
	timer   *time.Timer
}

type question[Q, A any] struct {
	ask    Q
	answer A
	done   chan struct{}
}

// ask returns the answer to one question. It waits however long that takes: what the question is about may have been done already.
func (g *gather[Q, A]) ask(q Q) A {
	asked := &question[Q, A]{ask: q, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, asked)
	g.schedule()
	g.mu.Unlock()
	<-asked.done
	return asked.answer
}

// schedule sends what is to be sent now; the caller holds the lock.
func (g *gather[Q, A]) schedule() {
	for len(g.waiting) >= g.most && g.running < g.limit {
		g.send()
	}
	switch {
	case len(g.waiting) == 0 || g.running > 0:
	case g.timer == nil:
		g.timer = time.AfterFunc(g.linger, g.flush)
	default:
		g.timer.Reset(g.linger)
	}
}

// flush sends what waits when no other question has come for a while.
func (g *gather[Q, A]) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == 0 && len(g.waiting) > 0 {
		g.send()
	}
}

// send asks the questions that have waited longest; the caller holds the lock.
func (g *gather[Q, A]) send() {
	number := min(len(g.waiting), g.most)
	group := g.waiting[:number:number]
	g.waiting = g.waiting[number:]
	g.running++
	go func() {
		g.deliver(group)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.running--
		g.schedule()
	}()
}

func (g *gather[Q, A]) deliver(group []*question[Q, A]) {
	questions := make([]Q, len(group))
	for i, asked := range group {
		questions[i] = asked.ask
	}
	for i, answer := range g.answer(questions) {
		group[i].answer = answer
		close(group[i].done)
	}
}
