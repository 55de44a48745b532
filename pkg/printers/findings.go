package printers

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
)

// Findings prints the findings of a check.
type Findings []check.Finding

// Table returns one row for each finding.
func (f Findings) Table(time.Time) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"State", "Workload", "Secret", "Role", "Finding", commandColumn} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: "Page", Type: "string", Priority: 1})
	for _, finding := range f {
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{string(finding.Reason), cmp.Or(finding.Workload, "<none>"), cmp.Or(finding.Secret, "<none>"),
				cmp.Or(finding.Role, "<none>"), finding.Message, finding.Fix.Command, finding.Reason.Page()},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: finding.Namespace, Name: finding.Role},
			}},
		})
	}
	return table
}

// List returns the findings as objects in a List.
func (f Findings) List(time.Time) (*unstructured.UnstructuredList, error) {
	list := newList()
	for _, finding := range f {
		list.Items = append(list.Items, unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.APIVersion, "kind": "Finding",
			"metadata": map[string]any{"namespace": finding.Namespace, "name": cmp.Or(finding.Secret, finding.Role)},
			"reason":   string(finding.Reason), "workload": finding.Workload, "secret": finding.Secret, "role": finding.Role,
			"message": finding.Message, "fix": finding.Fix.Command, "action": string(finding.Fix.Action),
			"page": finding.Reason.Page(),
		}})
	}
	return list, nil
}

// Bindings returns the bindings with a fault, for -o name. A role without Secret is no binding.
func (f Findings) Bindings() *unstructured.UnstructuredList {
	list, known := newList(), map[types.NamespacedName]bool{}
	for _, finding := range check.Findings(f).Faults() {
		name := types.NamespacedName{Namespace: finding.Namespace, Name: finding.Secret}
		if finding.Secret == "" || known[name] {
			continue
		}
		known[name] = true
		list.Items = append(list.Items, unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.APIVersion,
			"kind":       v1alpha1.Kind,
			"metadata":   map[string]any{"namespace": finding.Namespace, "name": finding.Secret},
		}})
	}
	return list
}

// WriteJUnit writes a suite for each namespace, with a case for each finding. Every fault fails.
func (f Findings) WriteJUnit(w io.Writer) error {
	report, faults := junitSuites{Name: "kubectl pgbind check"}, check.Findings(f).Faults()
	for _, finding := range f {
		at := slices.IndexFunc(report.Suites, func(s junitSuite) bool { return s.Name == finding.Namespace })
		if at < 0 {
			at = len(report.Suites)
			report.Suites = append(report.Suites, junitSuite{Name: finding.Namespace})
		}
		code := string(finding.Reason)
		report.Suites[at].add(junitFinding{code, code, subjectOf(finding), finding.Message, finding.Fix.Command, finding.Reason.Page()},
			len(faults.Only(finding.Reason)) > 0)
	}
	return report.write(w)
}

// subjectOf names what a finding is about.
func subjectOf(f check.Finding) string {
	if f.Secret == "" {
		return cmp.Or(strings.TrimSpace(f.Workload+" "+f.Role), f.Message)
	}
	return strings.TrimSpace(f.Workload + " secret/" + f.Secret)
}

// Summary counts the bindings and the findings in one line.
func (f Findings) Summary() string {
	bindings, faulty := map[types.NamespacedName]bool{}, f.Bindings().Items
	counts := map[check.Reason]int{}
	var order []check.Reason
	for _, finding := range f {
		if finding.Secret != "" {
			bindings[types.NamespacedName{Namespace: finding.Namespace, Name: finding.Secret}] = true
		}
		if finding.Reason == check.OK {
			continue
		}
		if counts[finding.Reason]++; counts[finding.Reason] == 1 {
			order = append(order, finding.Reason)
		}
	}
	sums := make([]string, len(order))
	for n, reason := range order {
		sums[n] = fmt.Sprintf("%d %s", counts[reason], reason)
	}
	text := fmt.Sprintf("%d of %d bindings OK", len(bindings)-len(faulty), len(bindings))
	if len(sums) == 0 {
		return text
	}
	return text + "; findings: " + strings.Join(sums, ", ")
}
