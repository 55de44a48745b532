package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSteps_AtTheSameTime requires whole lines, and the duration of each step by its name. The race detector finds what is not locked.
func TestSteps_AtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newSteps(&out)
		var group sync.WaitGroup
		for i := range 5 {
			group.Go(func() {
				_ = s.step(fmt.Sprint("step ", i), func() error {
					time.Sleep(time.Duration(i) * time.Second)
					return nil
				})
			})
		}
		group.Wait()
		require.Error(t, s.step("a bad step", func() error { return errors.New("failed") }))
		s.summary()
		text := out.String()
		for i := range 5 {
			assert.Equal(t, 1, strings.Count(text, fmt.Sprintf("    done in %ds: step %d\n", i, i)), text)
			assert.Equal(
				t,
				min(i, 1),
				strings.Count(text, fmt.Sprintf("%8s  step %d\n", fmt.Sprint(i, "s"), i)),
				"only long steps: %s",
				text,
			)
		}
		assert.Contains(t, text, "    failed after 0s: a bad step\n")
		assert.Contains(t, text, "      4s  in all\n")
	})
}
