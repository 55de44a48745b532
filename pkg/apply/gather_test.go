package apply

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoWaitsSharesTheNextGo(t *testing.T) {
	const number = 20
	begun, hold := make(chan struct{}, number), make(chan struct{})
	var goes []int
	g := &gather[int, int]{limit: 1}
	g.answer = func(questions []int) []int {
		begun <- struct{}{}
		<-hold
		goes = append(goes, len(questions))
		answers := make([]int, len(questions))
		for i, q := range questions {
			answers[i] = q * q
		}
		return answers
	}
	var group sync.WaitGroup
	ask := func(q int) { group.Go(func() { assert.Equal(t, q*q, g.ask(q)) }) }
	ask(0)
	<-begun
	for q := 1; q < number; q++ {
		ask(q)
	}
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == number-1
	}, time.Minute, time.Millisecond)
	close(hold)
	group.Wait()
	assert.Equal(t, []int{1, number - 1}, goes)
}
