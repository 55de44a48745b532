package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// shortStep is the time below which a step is not worth a line of the summary.
const shortStep = time.Second

// steps prints progress and durations. Several goroutines may use it.
type steps struct {
	out   io.Writer
	start time.Time
	mutex sync.Mutex // of what follows, and of each line of the output
	done  []string
}

func newSteps(out io.Writer) *steps {
	return &steps{out: out, start: time.Now()}
}

// say prints one line.
func (s *steps) say(format string, args ...any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	// A closed stderr is no reason to stop.
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

// step prints a line, runs do, and prints its duration. It returns the error of do.
func (s *steps) step(what string, do func() error) error {
	s.say("==> %s", what)
	begin := time.Now()
	if err := do(); err != nil {
		s.say("    failed after %s: %s", elapsed(begin), what)
		return fmt.Errorf("%s: %w", what, err)
	}
	s.say("    done in %s: %s", elapsed(begin), what)
	if time.Since(begin) >= shortStep {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.done = append(s.done, fmt.Sprintf("%8s  %s", elapsed(begin), what))
	}
	return nil
}

// summary prints the steps that took time, and the sum.
func (s *steps) summary() {
	for _, line := range s.done {
		s.say("%s", line)
	}
	s.say("%8s  in all", elapsed(s.start))
}

func elapsed(since time.Time) time.Duration {
	return time.Since(since).Round(100 * time.Millisecond)
}
