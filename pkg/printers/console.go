package printers

import (
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"
)

// shortStep is the longest duration that is not printed.
const shortStep = 100 * time.Millisecond

// Console is the standard error of one run. It is safe for concurrent use.
type Console struct {
	io.Writer
	Quiet     bool // turns off progress, but no warning and no error
	Verbosity int  // -v: from 1 on, details

	mu   sync.Mutex
	last time.Time
}

// NewConsole returns a Console that writes to w.
func NewConsole(w io.Writer) *Console { return &Console{Writer: w, last: time.Now()} }

// progress prints a line. On a terminal it adds the time since the previous line, and wraps between words.
func (c *Console) progress(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	took := now.Sub(c.last)
	c.last = now
	if c.Quiet {
		return
	}
	if printers.IsTerminal(c.Writer) && took >= shortStep {
		line += fmt.Sprintf(" (%.1fs)", took.Seconds())
	}
	fmt.Fprintln(term.NewResponsiveWriter(c.Writer), Visible(line))
}

// terminalOf returns the writer behind a Console.
func terminalOf(w io.Writer) io.Writer {
	if c, ok := w.(*Console); ok {
		return terminalOf(c.Writer)
	}
	return w
}
