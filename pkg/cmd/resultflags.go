package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// resultFlags select an output format for results as objects instead of lines.
type resultFlags struct{ *genericclioptions.PrintFlags }

func newResultFlags() *resultFlags { return &resultFlags{genericclioptions.NewPrintFlags("")} }

func (f *resultFlags) addTo(cmd *cobra.Command) {
	f.AddFlags(cmd)
	complete(cmd, cmd.Flag("output"), fixed(f.AllowedFormats()...))
}

// objects reports whether a format was selected.
func (f *resultFlags) objects() bool { return f.OutputFlagSpecified() }

// print writes bindings to standard output: a single one as an object, several as a List.
func (f *resultFlags) print(streams genericiooptions.IOStreams, bindings []*v1alpha1.Binding) error {
	printer, err := f.ToPrinter()
	if err != nil {
		return err
	}
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("List")
	for _, b := range bindings {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(b)
		if err != nil {
			return fmt.Errorf("write the binding of secret/%s: %w", b.Name, err)
		}
		list.Items = append(list.Items, unstructured.Unstructured{Object: fields})
	}
	switch len(list.Items) {
	case 0:
		return nil
	case 1:
		return printer.PrintObj(&list.Items[0], streams.Out)
	}
	return printer.PrintObj(list, streams.Out)
}
