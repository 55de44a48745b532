package printers

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fix"
)

// shownSteps is the number of steps of a plan that are printed without -v=1.
const shownSteps = 40

// PrintFixes prints the plan of a fix: a line for each step, and the findings that no step fixes, with their commands. A long plan is cut
// unless all is set.
func PrintFixes(w io.Writer, plan *fix.Plan, options Options, all bool) error {
	steps, left := plan.Steps, plan.Left
	if !all {
		steps, left = steps[:min(shownSteps, len(steps))], left[:min(shownSteps, len(left))]
	}
	if len(steps) > 0 {
		if err := PrintTable(w, fixTable(steps), options); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s%s\n", more(len(plan.Steps)-len(steps)), sums(plan.Steps))
	}
	if len(left) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nLeft, because a person decides or because a fix did not help: %d\n", len(plan.Left))
	if err := PrintTable(w, Findings(left).Table(time.Now()), options); err != nil {
		return err
	}
	fmt.Fprint(w, more(len(plan.Left)-len(left)))
	return nil
}

// more counts what is not printed.
func more(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf("... and %d more: add -v=1 to print them\n", number)
}

// sums counts the steps by their actions, in the order of the steps.
func sums(steps []fix.Step) string {
	counts := map[check.Action]int{}
	var order []check.Action
	for _, s := range steps {
		if counts[s.Action]++; counts[s.Action] == 1 {
			order = append(order, s.Action)
		}
	}
	var parts []string
	for _, action := range order {
		parts = append(parts, fmt.Sprintf("%d to %s", counts[action], action))
	}
	return "Fixes: " + strings.Join(parts, ", ")
}

// fixTable returns one row for each step.
func fixTable(steps []fix.Step) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range []string{"Action", "State", "Workload", "Secret", "Role", "Access", "Finding"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for _, s := range steps {
		var states, messages []string
		for _, f := range s.Findings {
			states, messages = append(states, string(f.Reason)), append(messages, f.Message)
		}
		first := s.Findings[0]
		table.Rows = append(table.Rows, metav1.TableRow{
			Cells: []any{string(s.Action), strings.Join(states, ","), cmp.Or(first.Workload, "<none>"), cmp.Or(first.Secret, "<none>"),
				cmp.Or(first.Role, "<none>"), cmp.Or(accessOf(s), "<none>"), strings.Join(messages, "; ")},
			Object: runtime.RawExtension{Object: &metav1.PartialObjectMetadata{
				ObjectMeta: metav1.ObjectMeta{Namespace: first.Namespace, Name: first.Role},
			}},
		})
	}
	return table
}

// accessOf describes what a bind grants: the metadata of the Secret says it, and everyone who can write the Secret can forge that.
func accessOf(s fix.Step) string {
	if s.Action != check.Bind && s.Action != check.Recreate {
		return ""
	}
	spec := s.Spec.WithDefaults(s.Findings[0].Namespace)
	return fmt.Sprintf("%s on database %s of %s in namespace %s", spec.Access, spec.DBName, spec.Postgres, spec.PostgresNamespace)
}
