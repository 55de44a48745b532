package printers

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
)

// PrintDifferences prints each difference like diff -u, and reports whether there is one.
func PrintDifferences(out io.Writer, differences []binding.Difference) (different bool, err error) {
	for _, d := range differences {
		live, err := textOf(d.Live)
		if err != nil {
			return different, err
		}
		wanted, err := textOf(d.Wanted)
		if err != nil {
			return different, err
		}
		name := d.Wanted.Namespace + "/" + d.Wanted.Spec.Workload
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: live, B: wanted, FromFile: "LIVE/" + name, ToFile: "WANTED/" + name, Context: 3,
		})
		if err != nil {
			return different, fmt.Errorf("compare the binding of %s: %w", d.Wanted.Spec.Workload, err)
		}
		different = different || text != ""
		fmt.Fprint(out, Visible(text))
	}
	return different, nil
}

// textOf returns the binding as lines, or nothing if there is no binding.
func textOf(b *v1alpha1.Binding) ([]string, error) {
	if b == nil {
		return nil, nil
	}
	text, err := yaml.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write the binding of %s: %w", b.Spec.Workload, err)
	}
	return slices.Collect(strings.Lines(string(text))), nil
}
