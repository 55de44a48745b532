package cmd

import (
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// report writes results to standard output and everything else to standard error, as kubectl does.
type report struct {
	streams  genericiooptions.IOStreams
	console  *console
	warnings *printers.WarningPrinter
	suffix   string // appended to results
	objects  bool   // results are printed as objects at the end
	bindings []*v1alpha1.Binding
}

func newReport(streams genericiooptions.IOStreams, suffix string) *report {
	c, ok := streams.ErrOut.(*console)
	if !ok {
		c = newConsole(streams.ErrOut)
	}
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(c.Writer)}
	warnings := printers.NewWarningPrinter(term.NewResponsiveWriter(c.Writer), options)
	return &report{streams: streams, console: c, warnings: warnings, suffix: suffix}
}

// Done prints a result.
func (r *report) Done(object, verb string) {
	if r.objects {
		return
	}
	fmt.Fprintln(term.NewResponsiveWriter(r.streams.Out), shown(object+" "+verb+r.suffix))
}

// Bound keeps a binding to print it at the end.
func (r *report) Bound(i *binding.Item) { r.bindings = append(r.bindings, i.Binding) }

// Verified implements binding.Progress; a step reports it.
func (r *report) Verified(*binding.Item) {}

// Finished implements binding.Progress; the error of the only item is the command's.
func (r *report) Finished(*binding.Item) {}

// Show prints a text that the user requested, unless the results are printed as objects.
func (r *report) Show(text string) {
	out := r.streams.Out
	if r.objects {
		out = r.streams.ErrOut
	}
	fmt.Fprintln(out, shown(strings.TrimSuffix(text, "\n")))
}

// Step prints progress.
func (r *report) Step(format string, args ...any) { r.console.progress(fmt.Sprintf(format, args...)) }

// Warn prints a warning.
func (r *report) Warn(format string, args ...any) {
	r.warnings.Print(shown(fmt.Sprintf(format, args...)))
}
