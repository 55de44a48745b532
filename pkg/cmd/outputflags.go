package cmd

import (
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"
)

// outputFlags are the formats of kubectl get.
type outputFlags struct{ *get.PrintFlags }

func newOutputFlags() *outputFlags {
	flags := get.NewGetPrintFlags()
	flags.HumanReadableFlags = &get.HumanPrintFlags{} // its own flags are about objects that the API server knows
	return &outputFlags{flags}
}

func (f *outputFlags) addTo(cmd *cobra.Command) { f.AddFlags(cmd) }

// human says whether the output is a table.
func (f *outputFlags) human() bool {
	template := f.TemplateFlags.TemplateArgument
	return (*f.OutputFormat == "" || *f.OutputFormat == "wide") && (template == nil || *template == "")
}

// printable is what can be printed in every format.
type printable interface {
	Table(now time.Time) *metav1.Table
	List(now time.Time) (*unstructured.UnstructuredList, error)
}

// print writes p to the standard output; withNamespace gives a table the column for it.
func (f *outputFlags) print(streams genericiooptions.IOStreams, p printable, withNamespace bool) error {
	now := time.Now()
	if f.human() {
		options := printers.PrintOptions{WithNamespace: withNamespace, Wide: *f.OutputFormat == "wide", NoHeaders: *f.NoHeaders}
		return printTable(streams.Out, p.Table(now), options)
	}
	printer, err := f.ToPrinter()
	if err != nil {
		return err
	}
	list, err := p.List(now)
	if err != nil {
		return err
	}
	return printer.PrintObj(list, streams.Out)
}
