package printers

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

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
	for _, finding := range f {
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{string(finding.Reason), cmp.Or(finding.Workload, "<none>"), cmp.Or(finding.Secret, "<none>"),
				cmp.Or(finding.Role, "<none>"), finding.Message, finding.Fix.Command},
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
		}})
	}
	return list, nil
}
