package check

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// Findings can be printed as a table or a List.
type Findings []Finding

// Healthy reports whether every finding is OK. Shared code is PostgreSQL's own rule, and not a fault.
func (f Findings) Healthy() bool {
	for _, finding := range f {
		if finding.Reason != OK && finding.Reason != SharedCode {
			return false
		}
	}
	return true
}

// Only returns the findings with one of the reasons.
func (f Findings) Only(reasons ...Reason) Findings {
	return slices.DeleteFunc(slices.Clone(f), func(finding Finding) bool { return !slices.Contains(reasons, finding.Reason) })
}

// Table returns one row for each finding.
func (f Findings) Table(time.Time) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"State", "Workload", "Secret", "Role", "Finding", "Fix"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, finding := range f {
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{string(finding.Reason), cmp.Or(finding.Workload, "<none>"), cmp.Or(finding.Secret, "<none>"),
				cmp.Or(finding.Role, "<none>"), finding.Message, finding.Fix},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: finding.Namespace, Name: finding.Role},
			}},
		})
	}
	return table
}

// List returns the findings as objects in a List.
func (f Findings) List(time.Time) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("List")
	for _, finding := range f {
		list.Items = append(list.Items, unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.APIVersion, "kind": "Finding",
			"metadata": map[string]any{"namespace": finding.Namespace, "name": cmp.Or(finding.Secret, finding.Role)},
			"reason":   string(finding.Reason), "workload": finding.Workload, "secret": finding.Secret, "role": finding.Role,
			"message": finding.Message, "fix": finding.Fix,
		}})
	}
	return list, nil
}
