package printers

import (
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// clearLine clears the current line of a terminal.
const clearLine = "\r\033[K"

// Progress prints the result of each of many bindings when it is finished, and on a terminal how many are done.
type Progress struct {
	Objects bool // results are printed as objects at the end

	streams  genericiooptions.IOStreams
	warnings *printers.WarningPrinter
	terminal bool
	suffix   string // appended to results
	total    int
	start    time.Time

	mu     sync.Mutex
	logins int // verified
	counts map[binding.Outcome]int
	ids    map[string]bool // of the bindings
	drawn  time.Time
}

// NewProgress returns the Progress of so many bindings. It appends the suffix to each result.
func NewProgress(streams genericiooptions.IOStreams, total int, suffix string) *Progress {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(terminalOf(streams.ErrOut))}
	return &Progress{
		streams: streams, warnings: printers.NewWarningPrinter(streams.ErrOut, options), terminal: isTerminal(streams.ErrOut),
		suffix: suffix, total: total, start: time.Now(), counts: map[binding.Outcome]int{}, ids: map[string]bool{},
	}
}

// isTerminal reports whether w is a terminal without --quiet.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*Console); ok && c.Quiet {
		return false
	}
	return printers.IsTerminal(terminalOf(w))
}

// Notes keeps the warnings of one of many items until it is finished. It drops the steps: those of many items at once are unreadable.
type Notes struct{ warnings, shown []string }

// Done implements report.Reporter; Progress prints the outcome of the item.
func (n *Notes) Done(string, string) {}

// Step implements report.Reporter.
func (n *Notes) Step(string, ...any) {}

// Detail implements report.Reporter.
func (n *Notes) Detail(string, ...any) {}

// Warn implements report.Reporter.
func (n *Notes) Warn(format string, args ...any) {
	n.warnings = append(n.warnings, fmt.Sprintf(format, args...))
}

// Show implements report.Reporter.
func (n *Notes) Show(text string) { n.shown = append(n.shown, text) }

// Finished prints the result of an item. It is safe for concurrent use.
func (p *Progress) Finished(i *binding.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[i.Outcome]++
	if i.Binding != nil {
		p.ids[i.Binding.Status.ID] = true
	}
	p.clear()
	namespace := i.Document.Namespace
	about := fmt.Sprintf("%s in namespace %s", i.Name(), namespace)
	if kept, ok := i.Report.(*Notes); ok {
		for _, warning := range kept.warnings {
			p.warnings.Print(Visible(about + ": " + warning))
		}
		for _, text := range kept.shown {
			fmt.Fprintf(p.shown(), "# %s\n%s\n", about, text)
		}
	}
	if i.Err != nil {
		fmt.Fprintln(p.streams.ErrOut, Visible("error: "+workload.About(i.Name(), namespace, IfForbidden(i.Err)).Error()))
	} else if !p.Objects {
		done := fmt.Sprintf("%s %s (namespace %s, database %s, secret/%s)%s",
			i.Name(), verbs(i.Outcome), namespace, i.Binding.Spec.DBName, i.Binding.Name, p.suffix)
		fmt.Fprintln(term.NewResponsiveWriter(p.streams.Out), Visible(done))
	}
	p.draw()
}

// shown returns where plans and patches go. If the results are objects, it is standard error.
func (p *Progress) shown() io.Writer {
	if p.Objects {
		return p.streams.ErrOut
	}
	return p.streams.Out
}

// Bound implements binding.Progress; an item is counted when it is finished.
func (p *Progress) Bound(*binding.Item) {}

// Verified counts a login that works.
func (p *Progress) Verified(*binding.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins++
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
func (p *Progress) clear() {
	if p.terminal && !p.drawn.IsZero() {
		fmt.Fprint(p.streams.ErrOut, clearLine)
	}
}

// draw prints the status line on a terminal.
func (p *Progress) draw() {
	if !p.terminal {
		return
	}
	p.drawn = time.Now()
	done := p.done()
	fmt.Fprintf(p.streams.ErrOut, "%s verified, %d done, %d failed, %d left",
		report.Number(p.logins, "login"), done-p.counts[binding.Failed], p.counts[binding.Failed], p.total-done)
}

func (p *Progress) done() int {
	sum := 0
	for _, count := range p.counts {
		sum += count
	}
	return sum
}

// Failed returns the number of bindings that failed.
func (p *Progress) Failed() int { return p.counts[binding.Failed] }

// IDs returns the ids of the bindings.
func (p *Progress) IDs() map[string]bool { return p.ids }

// End prints the summary.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(term.NewResponsiveWriter(terminalOf(p.streams.ErrOut)),
		"%s in %s: %d bound, %d configured, %d unchanged, %d failed\n",
		report.Number(p.done(), "binding"), time.Since(p.start).Round(time.Millisecond),
		p.counts[binding.Created], p.counts[binding.Configured], p.counts[binding.Unchanged], p.counts[binding.Failed])
}
