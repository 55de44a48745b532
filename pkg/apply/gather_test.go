package apply

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// squares answers numbers, and keeps how many came at once.
func squares(most int, takes time.Duration) (g *gather[int, int], goes func() []int) {
	var mu sync.Mutex
	var counts []int
	g = &gather[int, int]{most: most, limit: 2, linger: time.Second, answer: func(questions []int) []int {
		time.Sleep(takes)
		mu.Lock()
		counts = append(counts, len(questions))
		mu.Unlock()
		answers := make([]int, len(questions))
		for i, q := range questions {
			answers[i] = q * q
		}
		return answers
	}}
	return g, func() []int { slices.Sort(counts); return counts }
}

func TestQuestionsOfTheSameTimeGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, goes := squares(100, 0)
		var group sync.WaitGroup
		for q := range 20 {
			group.Go(func() {
				time.Sleep(time.Duration(q) * 100 * time.Millisecond)
				assert.Equal(t, q*q, g.ask(q))
			})
		}
		group.Go(func() {
			time.Sleep(10 * time.Second)
			assert.Equal(t, 49, g.ask(7))
		})
		group.Wait()
		assert.Equal(t, []int{1, 20}, goes())
	})
}

func TestManyQuestionsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, goes := squares(8, 0)
		start := time.Now()
		var group sync.WaitGroup
		for q := range 16 {
			group.Go(func() { assert.Equal(t, q*q, g.ask(q)) })
		}
		group.Wait()
		assert.Zero(t, time.Since(start))
		assert.Equal(t, []int{8, 8}, goes())
	})
}

func TestWhoIsLateWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, goes := squares(8, time.Minute)
		var group sync.WaitGroup
		for q := range 24 {
			group.Go(func() {
				time.Sleep(time.Duration(q) * 2 * time.Second)
				assert.Equal(t, q*q, g.ask(q))
			})
		}
		group.Wait()
		assert.Equal(t, []int{1, 7, 8, 8}, goes(), "the first goes alone, then two at a time are full, and the rest goes when nothing is under way")
	})
}
