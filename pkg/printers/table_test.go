package printers

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
)

// states returns a table that fits a terminal.
func states() *metav1.Table {
	return &metav1.Table{
		ColumnDefinitions: []metav1.TableColumnDefinition{{Name: "Workload"}, {Name: "State"}, {Name: "ID", Priority: 1}},
		Rows: []metav1.TableRow{
			{Cells: []any{"deployment/wéb", "Bound", "a"}},
			{Cells: []any{"job/x", "NoSecret", "b"}},
			{Cells: []any{"job/y", "Unknown", "c"}},
		},
	}
}

func printed(t *testing.T, table *metav1.Table, options Options) func(genericiooptions.IOStreams) {
	t.Helper()
	return func(streams genericiooptions.IOStreams) {
		streams.ErrOut = NewConsole(streams.ErrOut)
		require.NoError(t, PrintTable(streams.ErrOut, table, options))
	}
}

func TestPrintTable_PrintsLikeKubectlToTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	assert.Equal(t, `WORKLOAD         STATE
deployment/wéb   Bound
job/x            NoSecret
job/y            Unknown
`, onTerminal(t, printed(t, states(), Options{})))
	assert.Equal(t, `deployment/wéb   Bound      a
job/x            NoSecret   b
job/y            Unknown    c
`, onTerminal(t, printed(t, states(), Options{Wide: true, NoHeaders: true})))
}

func TestPrintTable_PrintsWideTableRowByRow(t *testing.T) {
	t.Setenv("TERM", "xterm")
	findings := Findings{
		{ //nolint:gosec // the name of a Secret
			Reason:    check.LoginFailed,
			Namespace: "shop",
			Workload:  "deployment/web",
			Secret:    "postgresql-secret-2",
			Role:      "pgb_abcdefghijkl_1",
			Message:   "the server refuses the Secret's password, which somebody has changed since then,\x1b[2J or the Secret",
			Fix: check.Fix{
				Command: "kubectl pgbind deployment/web -n shop --postgres statefulset/postgresql --secret postgresql-secret-2",
			},
		},
		{Reason: check.OK, Namespace: "shop", Workload: "deployment/api", Role: "pgb_abcdefghijkm_1"},
	}
	assert.Equal(t, `NAMESPACE   shop
STATE       LoginFailed
WORKLOAD    deployment/web
SECRET      postgresql-secret-2
ROLE        pgb_abcdefghijkl_1
FINDING     the server refuses the Secret's password, which somebody has changed
            since then,`+"\ufffd"+`[2J or the Secret
FIX         kubectl pgbind deployment/web -n shop --postgres statefulset/postgresql --secret postgresql-secret-2

NAMESPACE   shop
STATE       OK
WORKLOAD    deployment/api
SECRET      <none>
ROLE        pgb_abcdefghijkm_1
`, onTerminal(t, printed(t, findings.Table(time.Time{}), Options{WithNamespace: true})))
}

func TestPrintTable_KeepsTheShapeOfNames(t *testing.T) {
	t.Setenv("TERM", "xterm")
	table := states()
	table.Rows[0].Cells[0] = strings.Repeat("x", 100)
	assert.Contains(t, onTerminal(t, printed(t, table, Options{})), "job/x"+strings.Repeat(" ", 98)+"NoSecret\n")
}

func TestPrintTable_PrintsLikeKubectlToPipe(t *testing.T) {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	require.NoError(t, PrintTable(streams.Out, states(), Options{Wide: true}))
	assert.Equal(t, `WORKLOAD         STATE      ID
deployment/wéb   Bound      a
job/x            NoSecret   b
job/y            Unknown    c
`, out.String())
}
