// Package printers prints what a person sees: results, progress, tables, trees, and errors with their next step.
package printers

import (
	"fmt"
	"strings"
	"sync"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/term"
)

// Report writes results to standard output and everything else to standard error, as kubectl does. It is safe for concurrent use.
type Report struct {
	Streams genericiooptions.IOStreams
	Objects bool // results are printed as objects at the end

	console  *Console
	warnings *printers.WarningPrinter
	suffix   string // appended to results
	mu       sync.Mutex
}

// NewReport returns a Report that appends the suffix to each result.
func NewReport(streams genericiooptions.IOStreams, suffix string) *Report {
	c, ok := streams.ErrOut.(*Console)
	if !ok {
		c = NewConsole(streams.ErrOut)
	}
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(c.Writer)}
	warnings := printers.NewWarningPrinter(term.NewResponsiveWriter(c.Writer), options)
	return &Report{Streams: streams, console: c, warnings: warnings, suffix: suffix}
}

// Done prints a result.
func (r *Report) Done(object, verb string) {
	if r.Objects {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(term.NewResponsiveWriter(r.Streams.Out), Visible(object+" "+verb+r.suffix))
}

// Show prints a text that the user requested. If the results are objects, it goes to standard error.
func (r *Report) Show(text string) {
	out := r.Streams.Out
	if r.Objects {
		out = r.Streams.ErrOut
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(out, Visible(strings.TrimSuffix(text, "\n")))
}

// Step prints progress.
func (r *Report) Step(format string, args ...any) { r.console.progress(fmt.Sprintf(format, args...)) }

// Detail prints a line with -v=1 and higher.
func (r *Report) Detail(format string, args ...any) {
	if r.Verbose() {
		r.Step(format, args...)
	}
}

// Verbose reports whether details are printed.
func (r *Report) Verbose() bool { return r.console.Verbosity >= 1 }

// Warn prints a warning.
func (r *Report) Warn(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings.Print(Visible(fmt.Sprintf(format, args...)))
}

// ResultSuffix is what kubectl prints after the result of a dry run.
func ResultSuffix(d cmdutil.DryRunStrategy) string {
	return map[cmdutil.DryRunStrategy]string{cmdutil.DryRunClient: " (dry run)", cmdutil.DryRunServer: " (server dry run)"}[d]
}
