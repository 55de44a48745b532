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

// shortStep is what takes no time worth telling.
const shortStep = 100 * time.Millisecond

// console is the standard error of one call of the program. Its progress can be turned off, its warnings and errors not. Many may tell theirs at once.
type console struct {
	io.Writer
	quiet bool
	mu    sync.Mutex
	last  time.Time
}

func newConsole(w io.Writer) *console { return &console{Writer: w, last: time.Now()} }

func (c *console) addTo(flags *pflag.FlagSet) {
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "Print results and warnings, but no progress")
}

// progress prints a line. A terminal also learns how long it took since the line before, and gets no word cut in two.
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

// shown makes control characters visible: a message may quote a database or an object, and these shall not steer the terminal.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
