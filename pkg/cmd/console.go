package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/term"
)

// shortStep is the longest duration that is not printed.
const shortStep = 100 * time.Millisecond

// console is the standard error of one run. Progress can be turned off, warnings and errors cannot. It is safe for concurrent use.
type console struct {
	io.Writer
	quiet bool
	mu    sync.Mutex
	last  time.Time
}

func newConsole(w io.Writer) *console { return &console{Writer: w, last: time.Now()} }

func (c *console) addTo(flags *pflag.FlagSet) {
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "Print only results and warnings, no progress")
}

// progress prints a line. On a terminal it adds the time since the previous line, and wraps between words.
func (c *console) progress(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	took := now.Sub(c.last)
	c.last = now
	if c.quiet {
		return
	}
	if (term.TTY{Out: c.Writer}).IsTerminalOut() && took >= shortStep {
		line += fmt.Sprintf(" (%.1fs)", took.Seconds())
	}
	c.line(line)
}

func (c *console) line(text string) { fmt.Fprintln(term.NewResponsiveWriter(c.Writer), shown(text)) }

// shown makes control characters visible, because a message can contain names from a database or an object.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
