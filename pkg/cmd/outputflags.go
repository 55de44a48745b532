package cmd

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// wide is the output format with all columns of a table.
const wide = "wide"

// outputFlags are the output formats of kubectl get. Its own flags would double the start-up time of the program.
type outputFlags struct {
	*genericclioptions.PrintFlags
	noHeaders bool
}

func newOutputFlags() *outputFlags {
	return &outputFlags{PrintFlags: genericclioptions.NewPrintFlags("")}
}

func (f *outputFlags) addTo(cmd *cobra.Command) {
	f.AddFlags(cmd)
	cmd.Flag("output").Usage = fmt.Sprintf("Output format. One of: (%s)", strings.Join(f.formats(), ", "))
	complete(cmd, cmd.Flag("output"), fixed(f.formats()...))
	cmd.Flags().BoolVar(&f.noHeaders, "no-headers", false, "When using the default or custom-columns output format, don't print headers")
}

// formats returns the valid formats.
func (f *outputFlags) formats() []string { return append(f.AllowedFormats(), customColumns, wide) }

// human reports whether the output is a table.
func (f *outputFlags) human() bool {
	template := f.TemplatePrinterFlags.TemplateArgument
	return (*f.OutputFormat == "" || *f.OutputFormat == wide) && (template == nil || *template == "")
}

// printable can be printed in every format.
type printable interface {
	Table(now time.Time) *metav1.Table
	List(now time.Time) (*unstructured.UnstructuredList, error)
}

// print writes p to standard output. withNamespace adds the column NAMESPACE to a table.
func (f *outputFlags) print(streams genericiooptions.IOStreams, p printable, withNamespace bool) error {
	now := time.Now()
	if f.human() {
		options := printers.PrintOptions{WithNamespace: withNamespace, Wide: *f.OutputFormat == wide, NoHeaders: f.noHeaders}
		return printTable(streams.Out, p.Table(now), options)
	}
	printer, err := f.printer()
	if err != nil {
		return err
	}
	list, err := p.List(now)
	if err != nil {
		return err
	}
	return printer.PrintObj(list, streams.Out)
}

// printer returns the printer of the chosen format, which is not a table.
func (f *outputFlags) printer() (printers.ResourcePrinter, error) {
	if spec, ok := strings.CutPrefix(*f.OutputFormat, customColumns); ok {
		return newColumnsPrinter(strings.TrimPrefix(spec, "="), f.noHeaders)
	}
	printer, err := f.ToPrinter()
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		return nil, genericclioptions.NoCompatiblePrinterError{OutputFormat: f.OutputFormat, AllowedFormats: f.formats()}
	}
	return printer, err
}
