package apply

import (
	"sync"
	"time"
)

// gather collects questions that are asked at about the same time, and asks them in one go.
type gather[Q, A any] struct {
	answer func([]Q) []A // in the order of the questions
	most   int           // how many questions go at once
	linger time.Duration // how long to wait for another question

	mu      sync.Mutex
	waiting []*question[Q, A]
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
	switch {
	case len(g.waiting) >= g.most:
		go g.send(g.take())
	case g.timer == nil:
		g.timer = time.AfterFunc(g.linger, g.flush)
	default:
		g.timer.Reset(g.linger)
	}
	g.mu.Unlock()
	<-asked.done
	return asked.answer
}

// flush sends what waits when no other question has come for a while.
func (g *gather[Q, A]) flush() {
	g.mu.Lock()
	group := g.take()
	g.mu.Unlock()
	g.send(group)
}

// take empties the queue; the caller holds the lock.
func (g *gather[Q, A]) take() []*question[Q, A] {
	group := g.waiting
	g.waiting = nil
	return group
}

func (g *gather[Q, A]) send(group []*question[Q, A]) {
	if len(group) == 0 {
		return
	}
	questions := make([]Q, len(group))
	for i, asked := range group {
		questions[i] = asked.ask
	}
	for i, answer := range g.answer(questions) {
		group[i].answer = answer
		close(group[i].done)
	}
}
