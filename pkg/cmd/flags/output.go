package flags

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	kubeprinters "k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// The output formats of kubectl get that are not in genericclioptions.
const (
	wide          = "wide"
	customColumns = "custom-columns"
)

// junit is a format for findings, which programs for tests read.
const junit = "junit"

// Output selects an output format of kubectl get.
type Output struct {
	*genericclioptions.PrintFlags
	JUnit bool // adds the format junit; what is printed must have a method WriteJUnit

	noHeaders bool
}

// NewOutput returns flags whose default is a table.
func NewOutput() *Output {
	return &Output{PrintFlags: genericclioptions.NewPrintFlags("")}
}

// AddTo adds the flags.
func (f *Output) AddTo(cmd *cobra.Command) {
	f.AddFlags(cmd)
	HideRareOutput(cmd.Flags())
	cmd.Flag("output").Usage = fmt.Sprintf("Output format. One of: (%s)", strings.Join(f.formats(), ", "))
	CompleteOutput(cmd, f.formats())
	cmd.Flags().BoolVar(&f.noHeaders, "no-headers", false, "When using the default or custom-columns output format, don't print headers")
}

// formats returns the valid formats.
func (f *Output) formats() []string {
	formats := append(f.AllowedFormats(), customColumns, wide)
	if f.JUnit {
		formats = append(formats, junit)
	}
	return formats
}

// IsName reports whether the output is the names of objects.
func (f *Output) IsName() bool { return *f.OutputFormat == "name" }

func (f *Output) isJUnit() bool { return f.JUnit && *f.OutputFormat == junit }

// IsTable reports whether the output is a table.
func (f *Output) IsTable() bool {
	template := f.TemplatePrinterFlags.TemplateArgument
	return (*f.OutputFormat == "" || *f.OutputFormat == wide) && (template == nil || *template == "")
}

// Validate rejects an invalid format.
func (f *Output) Validate() error {
	if f.IsTable() || f.isJUnit() {
		return nil
	}
	_, err := f.printer()
	return err
}

// Print prints p. withNamespace adds the column NAMESPACE to a table.
func (f *Output) Print(w io.Writer, p printers.Printable, withNamespace bool) error {
	now := time.Now()
	if f.IsTable() {
		options := printers.Options{WithNamespace: withNamespace, Wide: *f.OutputFormat == wide, NoHeaders: f.noHeaders}
		return printers.PrintTable(w, p.Table(now), options)
	}
	if report, ok := p.(interface{ WriteJUnit(w io.Writer) error }); ok && f.isJUnit() {
		return report.WriteJUnit(w)
	}
	printer, err := f.printer()
	if err != nil {
		return err
	}
	list, err := p.List(now)
	if err != nil {
		return err
	}
	return printer.PrintObj(list, w)
}

// printer returns the printer of the chosen format, which is not a table.
func (f *Output) printer() (kubeprinters.ResourcePrinter, error) {
	if spec, ok := strings.CutPrefix(*f.OutputFormat, customColumns); ok {
		return printers.NewColumnsPrinter(strings.TrimPrefix(spec, "="), f.noHeaders)
	}
	printer, err := f.ToPrinter()
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		return nil, genericclioptions.NoCompatiblePrinterError{OutputFormat: f.OutputFormat, AllowedFormats: f.formats()}
	}
	return printer, err
}

// CompleteOutput completes the flag --output.
func CompleteOutput(cmd *cobra.Command, formats []string) {
	complete := func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		matching := slices.DeleteFunc(slices.Clone(formats), func(format string) bool { return !strings.HasPrefix(format, typed) })
		return matching, cobra.ShellCompDirectiveNoFileComp
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", complete)) // fails only without such a flag
}
