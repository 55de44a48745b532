package cmd

import (
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// report writes results to the standard output and everything else to the standard error, as kubectl does.
type report struct {
	streams  genericiooptions.IOStreams
	warnings *printers.WarningPrinter
	suffix   string // of results
	objects  bool   // results are printed as objects, when all are there
	bindings []*v1alpha1.Binding
}

func newReport(streams genericiooptions.IOStreams, suffix string) *report {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(streams.ErrOut)}
	return &report{streams: streams, warnings: printers.NewWarningPrinter(streams.ErrOut, options), suffix: suffix}
}

// Done prints a result.
func (r *report) Done(object, verb string) {
	if r.objects {
		return
	}
	fmt.Fprintf(r.streams.Out, "%s %s%s\n", object, verb, r.suffix)
}

// Bound keeps a binding for the end.
func (r *report) Bound(written *v1alpha1.Binding) { r.bindings = append(r.bindings, written) }

// Show prints a text that was asked for; beside objects it would be in their way.
func (r *report) Show(text string) {
	out := r.streams.Out
	if r.objects {
		out = r.streams.ErrOut
	}
	fmt.Fprintln(out, strings.TrimSuffix(text, "\n"))
}

// Step prints progress.
func (r *report) Step(format string, args ...any) {
	fmt.Fprintf(r.streams.ErrOut, format+"\n", args...)
}

// Warn prints a warning.
func (r *report) Warn(format string, args ...any) { r.warnings.Print(fmt.Sprintf(format, args...)) }
