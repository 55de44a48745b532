package cmd

import (
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
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
	counts map[binding.Outcome]int
	made   map[string]bool // the ids of the bindings
	drawn  time.Time
}

func newProgress(streams genericiooptions.IOStreams, total int, suffix string) *progress {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(terminalOf(streams.ErrOut))}
	return &progress{
		streams: streams, warnings: printers.NewWarningPrinter(streams.ErrOut, options), terminal: isTerminal(streams.ErrOut),
		suffix: suffix, total: total, start: time.Now(), counts: map[binding.Outcome]int{}, made: map[string]bool{},
	}
}

// isTerminal reports whether w is a terminal without --quiet.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*console); ok && c.quiet {
		return false
	}
	return printers.IsTerminal(terminalOf(w))
}

// notes keeps the warnings of one of many items. It drops the steps: those of many items at once are unreadable.
type notes struct{ warnings, shown []string }

// Done implements report.Reporter; the outcome of the item tells it.
func (n *notes) Done(string, string) {}

// Step implements report.Reporter.
func (n *notes) Step(string, ...any) {}

// Warn implements report.Reporter.
func (n *notes) Warn(format string, args ...any) {
	n.warnings = append(n.warnings, fmt.Sprintf(format, args...))
}

// Show implements report.Reporter.
func (n *notes) Show(text string) { n.shown = append(n.shown, text) }

// Finished prints the result of an item; many may come at once.
func (p *progress) Finished(i *binding.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[i.Outcome]++
	if i.Binding != nil {
		p.made[i.Binding.Status.ID] = true
	}
	p.clear()
	namespace := i.Document.Namespace
	about := fmt.Sprintf("%s in namespace %s", i.Name(), namespace)
	if told, ok := i.Report.(*notes); ok {
		for _, warning := range told.warnings {
			p.warnings.Print(shown(about + ": " + warning))
		}
		for _, text := range told.shown {
			fmt.Fprintf(p.streams.Out, "# %s\n%s\n", about, text)
		}
	}
	if i.Err != nil {
		fmt.Fprintln(p.streams.ErrOut, shown(fmt.Sprintf("error: %s: %v", about, ifForbidden(i.Err))))
	} else {
		done := fmt.Sprintf("%s %s (namespace %s, database %s, secret/%s)%s",
			i.Name(), verbs(i.Outcome), namespace, i.Options.Database, i.Binding.Name, p.suffix)
		fmt.Fprintln(term.NewResponsiveWriter(p.streams.Out), shown(done))
	}
	p.draw()
}

// Bound implements binding.Progress; an item is counted when it is finished.
func (p *progress) Bound(*binding.Item) {}

// Verified counts a login that works.
func (p *progress) Verified(*binding.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proved++
	p.clear()
	p.draw()
}

// verbs describes what happened to the binding of a workload.
func verbs(o binding.Outcome) string {
	if o == binding.Created {
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
		p.proved, done-p.counts[binding.Failed], p.counts[binding.Failed], p.total-done, p.rate())
}

func (p *progress) done() int {
	sum := 0
	for _, count := range p.counts {
		sum += count
	}
	return sum
}

func (p *progress) rate() float64 { return float64(p.done()) / time.Since(p.start).Seconds() }

func (p *progress) failed() int { return p.counts[binding.Failed] }

// end prints the summary.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(term.NewResponsiveWriter(terminalOf(p.streams.ErrOut)),
		"%d bindings in %s (%.1f per second): %d bound, %d configured, %d unchanged, %d failed\n",
		p.done(), time.Since(p.start).Round(time.Millisecond), p.rate(),
		p.counts[binding.Created], p.counts[binding.Configured], p.counts[binding.Unchanged], p.counts[binding.Failed])
}
