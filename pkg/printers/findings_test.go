package printers

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
)

// manyFindings are two faults of one binding, one of another with control characters, a healthy binding with shared
// code, and an orphaned role.
func manyFindings() Findings {
	return Findings{
		{ //nolint:gosec // the name of a Secret
			Reason:    check.LoginFailed,
			Namespace: "shop",
			Workload:  "deployment.apps/web",
			Secret:    "web-pgbind",
			Role:      "pgb_a_1",
			Message:   "failed\x1b[2J",
			Fix:       check.Fix{Command: "kubectl pgbind deployment.apps/web -n shop"},
		},
		{ //nolint:gosec // the name of a Secret
			Reason:    check.Lacks,
			Namespace: "shop",
			Workload:  "deployment.apps/web",
			Secret:    "web-pgbind",
			Role:      "pgb_a_1",
			Message:   "missing",
		},
		{ //nolint:gosec // the name of a Secret
			Reason:    check.Lacks,
			Namespace: "data",
			Workload:  "deployment.apps/web",
			Secret:    "web-pgbind",
			Role:      "pgb_b_1",
			Message:   "missing",
		},
		{Reason: check.OrphanedRole, Namespace: "shop", Role: "pgb_c_1", Message: "orphan"},
		{Reason: check.SharedCode, Namespace: "shop", Workload: "deployment.apps/api", Secret: "api-pgbind", Message: "a trigger"},
		{Reason: check.OK, Namespace: "shop", Workload: "deployment.apps/api", Secret: "api-pgbind", Message: "works"},
	}
}

func TestFindings_Summary(t *testing.T) {
	assert.Equal(t, "1 of 3 bindings OK; findings: 1 LoginFailed, 2 Lacks, 1 OrphanedRole, 1 SharedCode", manyFindings().Summary())
	assert.Equal(t, "1 of 1 bindings OK", manyFindings()[5:].Summary())
}

func TestFindings_BindingsAreThoseWithAFault(t *testing.T) {
	var names []string
	for _, item := range manyFindings().Bindings().Items {
		names = append(names, item.GetNamespace()+"/"+item.GetName())
	}
	assert.Equal(t, []string{"shop/web-pgbind", "data/web-pgbind"}, names, "each once, and no role")
}

func TestFindings_NameTheirPage(t *testing.T) {
	list, err := manyFindings().List(time.Time{})
	require.NoError(t, err)
	assert.Equal(t, "docs/findings.md#check-loginfailed", list.Items[0].Object["page"])
	wide := &strings.Builder{}
	require.NoError(t, PrintTable(wide, manyFindings().Table(time.Time{}), Options{Wide: true}))
	assert.Contains(t, wide.String(), "docs/findings.md#check-orphanedrole")
}

func TestFindings_WriteJUnit(t *testing.T) {
	text := &strings.Builder{}
	require.NoError(t, manyFindings().WriteJUnit(text))
	var report junitSuites
	require.NoError(t, xml.Unmarshal([]byte(text.String()), &report), text)
	require.Len(t, report.Suites, 2)
	shop, data := report.Suites[0], report.Suites[1]
	assert.Equal(t, []any{"shop", 5, 3}, []any{shop.Name, shop.Tests, shop.Failures})
	assert.Equal(t, []any{"data", 1, 1}, []any{data.Name, data.Tests, data.Failures})
	failed := shop.Cases[0]
	assert.Equal(t, []string{"LoginFailed", "deployment.apps/web secret/web-pgbind"}, []string{failed.Class, failed.Name})
	assert.Equal(
		t, "failed\ufffd[2J\nfix: kubectl pgbind deployment.apps/web -n shop\nsee docs/findings.md#check-loginfailed",
		failed.Failure.Text,
	)
	assert.Equal(t, "pgb_c_1", shop.Cases[2].Name)
	assert.Nil(t, shop.Cases[3].Failure, "shared code is no fault")
	assert.Nil(t, shop.Cases[4].Failure)
}
