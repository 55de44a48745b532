package printers

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Bindings prints the bindings of an inventory.
type Bindings []inventory.Entry

// List returns the bindings as Binding objects in a List.
func (list Bindings) List(now time.Time) (*unstructured.UnstructuredList, error) {
	objects := make([]*v1alpha1.Binding, len(list))
	for i := range list {
		objects[i] = list[i].Export(now)
	}
	return listOf(objects)
}

// Table returns one row for each binding at the time now. Columns of priority 1 are printed with -o wide.
func (list Bindings) Table(now time.Time) *metav1.Table {
	table := &metav1.Table{ColumnDefinitions: columns()}
	for i := range list {
		b := &list[i]
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{
				cmp.Or(
					workload.ShortName(b.Marks.Workload),
					"<unknown>",
				),
				cmp.Or(b.Marks.DBName, "<unknown>"),
				cmp.Or(b.Marks.Access, "<unknown>"),
				string(b.State(now)),
				age(b.Created, now),
				b.SecretName,
				where(b),
				cmp.Or(b.Marks.Role, "<unknown>"),
				until(b.Marks.ExpiresAt(), now),
				int64(b.Marks.Generation),
				cmp.Or(b.Marks.Location, "<unknown>"),
				b.Marks.ID,
			},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.SecretName},
			}},
		})
	}
	return table
}

// columns returns those of a table that is at most 100 wide for names of 20 characters, and those of -o wide.
func columns() []metav1.TableColumnDefinition {
	var definitions []metav1.TableColumnDefinition
	for _, name := range []string{"Workload", "Database", "Access", "State", "Age"} {
		definitions = append(definitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, name := range []string{"Secret", "Postgres", "Role", "Expires", "Generation", "Location", "ID"} {
		definitions = append(definitions, metav1.TableColumnDefinition{Name: name, Type: "string", Priority: 1})
	}
	return definitions
}

// where names the database's Pod, StatefulSet or Service, with its namespace if it is not the workload's.
func where(b *inventory.Entry) string {
	switch {
	case b.Marks.Postgres == "":
		return "<unknown>"
	case b.Marks.PostgresNamespace != "" && b.Marks.PostgresNamespace != b.Namespace:
		return b.Marks.PostgresNamespace + "/" + b.Marks.Postgres
	}
	return b.Marks.Postgres
}

func age(created, now time.Time) string {
	if created.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(created))
}

func until(expires, now time.Time) string {
	switch {
	case expires.IsZero():
		return "<never>"
	case !now.Before(expires):
		return duration.HumanDuration(now.Sub(expires)) + " ago"
	}
	return duration.HumanDuration(expires.Sub(now))
}
