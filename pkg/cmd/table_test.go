package cmd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

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

func printed(t *testing.T, table *metav1.Table, options printers.PrintOptions) func(genericiooptions.IOStreams) {
	t.Helper()
	return func(streams genericiooptions.IOStreams) {
		streams.ErrOut = newConsole(streams.ErrOut)
		require.NoError(t, printTable(streams.ErrOut, table, options))
	}
}

func TestPrintTable_ColoursStates(t *testing.T) {
	t.Setenv("TERM", "xterm")
	allowColour(t)
	assert.Equal(t, "WORKLOAD         STATE\n"+
		"deployment/wéb   \x1b[32mBound\x1b[0m\n"+
		"job/x            \x1b[31mNoSecret\x1b[0m\n"+
		"job/y            \x1b[33mUnknown\x1b[0m\n", onTerminal(t, printed(t, states(), printers.PrintOptions{})))
	assert.Equal(t, "deployment/wéb   \x1b[32mBound\x1b[0m      a\n"+
		"job/x            \x1b[31mNoSecret\x1b[0m   b\n"+
		"job/y            \x1b[33mUnknown\x1b[0m    c\n", onTerminal(t, printed(t, states(), printers.PrintOptions{Wide: true, NoHeaders: true})))
	t.Setenv("NO_COLOR", "1")
	assert.Equal(t, `WORKLOAD         STATE
deployment/wéb   Bound
job/x            NoSecret
job/y            Unknown
`, onTerminal(t, printed(t, states(), printers.PrintOptions{})))
}

func TestPrintTable_PrintsWideTableRowByRow(t *testing.T) {
	t.Setenv("TERM", "xterm")
	allowColour(t)
	findings := check.Findings{
		{ //nolint:gosec // the name of a Secret
			Reason: check.LoginFailed, Namespace: "shop", Workload: "deployment/web", Secret: "postgresql-secret-2", Role: "pgb_abcdefghijkl_1",
			Message: "the server refuses the Secret's password, which somebody has changed since then,\x1b[2J or the Secret",
			Fix:     "kubectl pgbind deployment/web -n shop --postgres statefulset/postgresql --secret postgresql-secret-2",
		},
		{Reason: check.OK, Namespace: "shop", Workload: "deployment/api", Role: "pgb_abcdefghijkm_1"},
	}
	assert.Equal(t, `NAMESPACE   shop
STATE       `+"\x1b[31mLoginFailed\x1b[0m"+`
WORKLOAD    deployment/web
SECRET      postgresql-secret-2
ROLE        pgb_abcdefghijkl_1
FINDING     the server refuses the Secret's password, which somebody has changed
            since then,`+"\ufffd"+`[2J or the Secret
FIX         kubectl pgbind deployment/web -n shop --postgres statefulset/postgresql --secret postgresql-secret-2

NAMESPACE   shop
STATE       `+"\x1b[32mOK\x1b[0m"+`
WORKLOAD    deployment/api
SECRET      <none>
ROLE        pgb_abcdefghijkm_1
`, onTerminal(t, printed(t, findings.Table(time.Time{}), printers.PrintOptions{WithNamespace: true})))
}

func TestPrintTable_PrintsLikeKubectlToPipe(t *testing.T) {
	allowColour(t)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	require.NoError(t, printTable(streams.Out, states(), printers.PrintOptions{Wide: true}))
	assert.Equal(t, `WORKLOAD         STATE      ID
deployment/wéb   Bound      a
job/x            NoSecret   b
job/y            Unknown    c
`, out.String())
}

func TestPalette_ColoursStatesOfTree(t *testing.T) {
	const tree = "database a (b) on c\n└─ job/x (Expired)\n"
	assert.Equal(t, tree, palette(false).tree(tree))
	assert.Equal(t, "database a (b) on c\n└─ job/x (\x1b[31mExpired\x1b[0m)\n", palette(true).tree(tree))
}
