package printers

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fit"
)

// Fits prints which access level would be enough for each binding.
type Fits []fit.Fit

// Table returns one row for each binding.
func (f Fits) Table(now time.Time) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"Workload", "Secret", "Access", "Enough", "Statements", "Counted", "Reason"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, one := range f {
		b := one.Binding
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{
				b.Marks.Workload, b.SecretName, string(one.Level), cmp.Or(string(one.Enough), "<unknown>"), judged(one),
				countedFor(one, now), one.Reason,
			},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.SecretName},
			}},
		})
	}
	return table
}

// judged counts the statements that were judged, of all.
func judged(f fit.Fit) string {
	if f.Skipped == 0 {
		return fmt.Sprint(f.Judged)
	}
	return fmt.Sprintf("%d of %d", f.Judged, f.Judged+f.Skipped)
}

// countedFor returns how long the server has counted, and whether it discarded statements.
func countedFor(f fit.Fit, now time.Time) string {
	if f.Since.IsZero() {
		return "<unknown>"
	}
	text := "for " + age(f.Since, now)
	if f.Discards > 0 {
		text += ", some discarded"
	}
	return text
}

// List returns the answers as objects in a List.
func (f Fits) List(time.Time) (*unstructured.UnstructuredList, error) {
	list := newList()
	for _, one := range f {
		b := one.Binding
		object := map[string]any{
			"apiVersion": v1alpha1.APIVersion, "kind": "Fit",
			"metadata": map[string]any{"namespace": b.Namespace, "name": b.SecretName},
			"workload": b.Marks.Workload, "access": string(one.Level), "enough": string(one.Enough),
			"judged": int64(one.Judged), "skipped": int64(one.Skipped), "reason": one.Reason,
		}
		if !one.Since.IsZero() {
			object["since"], object["discards"] = one.Since.UTC().Format(time.RFC3339), one.Discards
		}
		list.Items = append(list.Items, unstructured.Unstructured{Object: object})
	}
	return list, nil
}
