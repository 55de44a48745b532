package cmd

import (
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// report writes results to the standard output and everything else to the standard error, as kubectl does.
type report struct {
	streams  genericiooptions.IOStreams
	warnings *printers.WarningPrinter
	suffix   string // of results
}

func newReport(streams genericiooptions.IOStreams, suffix string) *report {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(streams.ErrOut)}
	return &report{streams: streams, warnings: printers.NewWarningPrinter(streams.ErrOut, options), suffix: suffix}
}

// Done prints a result.
func (r *report) Done(object, verb string) {
	fmt.Fprintf(r.streams.Out, "%s %s%s\n", object, verb, r.suffix)
}

// Show prints a text that was asked for.
func (r *report) Show(text string) { fmt.Fprintln(r.streams.Out, strings.TrimSuffix(text, "\n")) }

// Step prints progress.
func (r *report) Step(format string, args ...any) {
	fmt.Fprintf(r.streams.ErrOut, format+"\n", args...)
}

// Warn prints a warning.
func (r *report) Warn(format string, args ...any) { r.warnings.Print(fmt.Sprintf(format, args...)) }
