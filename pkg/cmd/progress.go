package cmd

import (
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apply"
)

// clearLine clears the current line of a terminal.
const clearLine = "\r\033[K"

// progress prints the results of many bindings when they arrive, and on a terminal how many are done.
type progress struct {
	streams  genericiooptions.IOStreams
	warnings *printers.WarningPrinter
	terminal bool
	suffix   string // appended to results
	total    int
	start    time.Time

	mu     sync.Mutex
	proved int // verified logins
	counts map[apply.Outcome]int
	made   map[string]bool // ids of the bindings
	drawn  time.Time
}

func newProgress(streams genericiooptions.IOStreams, total int, suffix string) *progress {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(terminalOf(streams.ErrOut))}
	return &progress{
		streams: streams, warnings: printers.NewWarningPrinter(streams.ErrOut, options), terminal: isTerminal(streams.ErrOut),
		suffix: suffix, total: total, start: time.Now(), counts: map[apply.Outcome]int{}, made: map[string]bool{},
	}
}

// isTerminal reports whether w is a terminal without --quiet.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*console); ok && c.quiet {
		return false
	}
	return printers.IsTerminal(terminalOf(w))
}

// add prints one result. It is safe for concurrent use.
func (p *progress) add(r apply.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[r.Outcome]++
	if r.Binding != nil {
		p.made[r.Binding.Status.ID] = true
	}
	p.clear()
	about := fmt.Sprintf("%s in namespace %s", r.Workload, r.Item.Document.Namespace)
	for _, warning := range r.Warnings {
		p.warnings.Print(shown(about + ": " + warning))
	}
	for _, text := range r.Shown {
		fmt.Fprintf(p.streams.Out, "# %s\n%s\n", about, text)
	}
	if r.Err != nil {
		fmt.Fprintln(p.streams.ErrOut, shown(fmt.Sprintf("error: %s: %v", about, ifForbidden(r.Err))))
	} else {
		done := fmt.Sprintf("%s %s (namespace %s, database %s, secret/%s)%s", r.Workload, verbs(r.Outcome),
			r.Item.Document.Namespace, r.Item.Options.Database, r.Binding.Name, p.suffix)
		fmt.Fprintln(term.NewResponsiveWriter(p.streams.Out), shown(done))
	}
	p.draw()
}

// prove counts a verified login.
func (p *progress) prove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proved++
	p.clear()
	p.draw()
}

// verbs describes what happened to the binding of a workload.
func verbs(o apply.Outcome) string {
	if o == apply.Created {
		return "bound"
	}
	return string(o)
}

// clear clears the status line on a terminal.
func (p *progress) clear() {
	if p.terminal && !p.drawn.IsZero() {
		fmt.Fprint(p.streams.ErrOut, clearLine)
	}
}

// draw prints the status line on a terminal.
func (p *progress) draw() {
	if !p.terminal {
		return
	}
	p.drawn = time.Now()
	done := p.done()
	fmt.Fprintf(p.streams.ErrOut, "%d logins verified, %d done, %d failed, %d left, %.1f per second",
		p.proved, done-p.counts[apply.Failed], p.counts[apply.Failed], p.total-done, p.rate())
}

func (p *progress) done() int {
	sum := 0
	for _, count := range p.counts {
		sum += count
	}
	return sum
}

func (p *progress) rate() float64 { return float64(p.done()) / time.Since(p.start).Seconds() }

func (p *progress) failed() int { return p.counts[apply.Failed] }

// end prints the summary.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(term.NewResponsiveWriter(terminalOf(p.streams.ErrOut)),
		"%d bindings in %s (%.1f per second): %d bound, %d configured, %d unchanged, %d failed\n",
		p.done(), time.Since(p.start).Round(time.Millisecond), p.rate(),
		p.counts[apply.Created], p.counts[apply.Configured], p.counts[apply.Unchanged], p.counts[apply.Failed])
}
