package printers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fix"
)

func planOf(number int) *fix.Plan {
	var found check.Findings
	for i := range number {
		name := fmt.Sprintf("deployment.apps/web-%d", i)
		found = append(found, check.Finding{
			Reason:    check.NoRole,
			Namespace: "shop",
			Workload:  name,
			Secret:    name,
			Role:      "r",
			Message:   "role \"r\" does not exist",
			Fix: check.Fix{
				Action: check.Bind,
				Spec:   v1alpha1.BindingSpec{Workload: name, Postgres: "pod/pg-0", DBName: "db", Access: "readonly"},
			},
		})
	}
	found = append(found, check.Finding{Reason: check.Exceeds, Namespace: "shop", Fix: check.Fix{Command: "kubectl pgbind psql --admin"}})
	return (&fix.Planner{}).Plan(found)
}

func TestPrintFixes_CountsALongPlan(t *testing.T) {
	var short, long strings.Builder
	require.NoError(t, PrintFixes(&short, planOf(100), Options{}, false))
	require.NoError(t, PrintFixes(&long, planOf(100), Options{}, true))
	assert.Equal(t, 40, strings.Count(short.String(), "NoRole"))
	assert.Contains(t, short.String(), "... and 60 more: add -v=1 to print them\nFixes: 100 to bind again\n")
	assert.Equal(t, 100, strings.Count(long.String(), "NoRole"))
	assert.NotContains(t, long.String(), "more:")
}

func TestPrintFixes_SaysWhatABindGrantsAndWhatIsLeft(t *testing.T) {
	var out strings.Builder
	require.NoError(t, PrintFixes(&out, planOf(1), Options{}, false))
	assert.Contains(t, out.String(), "readonly on database db of pod/pg-0 in namespace shop")
	assert.Contains(t, out.String(), "Left, because a person decides or because a fix did not help: 1\n")
	assert.Contains(t, out.String(), "kubectl pgbind psql --admin")
}
