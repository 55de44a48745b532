package printers

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// maxRoles limits the roles in one cell.
const maxRoles = 10

// PublicGrants prints what is revoked from PUBLIC, and which roles lose it.
type PublicGrants []postgres.PublicGrant

// Table returns one row for each statement.
func (grants PublicGrants) Table(time.Time) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"Database", "Statement", "Roles that rely on it"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, g := range grants {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{cmp.Or(g.Database, g.In), g.Close, rolesOf(g.Roles)}})
	}
	return table
}

// rolesOf lists the first roles, and the number of the others.
func rolesOf(roles []string) string {
	if len(roles) == 0 {
		return "<none>"
	}
	if more := len(roles) - maxRoles; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(roles[:maxRoles], ","), more)
	}
	return strings.Join(roles, ",")
}
