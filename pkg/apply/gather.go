package apply

import "sync"

// gather collects the questions that are asked while earlier ones are on their way, and asks them in one go: where many wait, one
// way is enough for all of them, and where nobody waits, nobody has to.
type gather[Q, A any] struct {
	answer func([]Q) []A // in the order of the questions
	limit  int           // how many goes may be on their way at once

	mu      sync.Mutex
	waiting []*question[Q, A]
	running int
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
	if g.running < g.limit {
		g.running++
		go g.work()
	}
	g.mu.Unlock()
	<-asked.done
	return asked.answer
}

// work goes until nobody waits.
func (g *gather[Q, A]) work() {
	for {
		g.mu.Lock()
		group := g.waiting
		g.waiting = nil
		if len(group) == 0 {
			g.running--
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		questions := make([]Q, len(group))
		for i, asked := range group {
			questions[i] = asked.ask
		}
		for i, answer := range g.answer(questions) {
			group[i].answer = answer
			close(group[i].done)
		}
	}
}
