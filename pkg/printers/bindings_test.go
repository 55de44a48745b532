package printers

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

const location = "shop/statefulset/pg"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// newBinding returns a binding whose workload exists and names the Secret.
func newBinding(name, workload string) inventory.Entry {
	return inventory.Entry{
		Namespace:  "shop",
		SecretName: name,
		Created:    noon.Add(-time.Hour),
		Marks: secret.Marks{
			BindingSpec: v1alpha1.BindingSpec{
				Workload: workload, DBName: "postgres", Postgres: "pod/pg-0", PostgresNamespace: "shop", Access: "readonly",
			},
			BindingStatus: v1alpha1.BindingStatus{ID: "id-" + name, Role: "pgb_x_1", Generation: 1, Location: location},
		},
		Secret:   inventory.Present,
		Workload: inventory.Present,
		Noted:    &secret.Marks{BindingStatus: v1alpha1.BindingStatus{ID: "id-" + name}},
	}
}

// bindings are one binding in order, one without a workload, and one without a Secret.
func bindings() Bindings {
	gone := newBinding("u", "deployment.apps/gone")
	gone.Workload, gone.Noted = inventory.Absent, nil
	lost := inventory.Entry{
		Namespace: "shop", SecretName: "lost", Secret: inventory.Absent, Workload: inventory.Present,
		Marks: secret.Marks{
			BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/web", DBName: "postgres"},
			BindingStatus: v1alpha1.BindingStatus{Role: "pgb_x_1"},
		},
	}
	return Bindings{newBinding("s", "deployment.apps/web"), gone, lost}
}

func TestBindings_WriteTree(t *testing.T) {
	t.Parallel()
	text := &strings.Builder{}
	require.NoError(t, bindings().WriteTree(text, noon))
	assert.Equal(t, `database postgres on shop/statefulset/pg
└─ access role pgbind_postgres_public_readonly_l74gha6tyh
   └─ login role pgb_x_1
      ├─ secret/s in shop
      │  └─ deployment.apps/web
      └─ secret/u in shop
         └─ deployment.apps/gone (NoWorkload)
database postgres on unknown server
└─ access role unknown
   └─ login role pgb_x_1
      └─ secret/lost in shop (not found)
         └─ deployment.apps/web
`, text.String())
}

func TestBindings_TableHasAllColumns(t *testing.T) {
	t.Parallel()
	table := bindings().Table(noon)
	require.Len(t, table.Rows, 3)
	assert.Len(t, table.ColumnDefinitions, len(table.Rows[0].Cells))
	assert.Equal(t, []any{
		"deployment/web", "postgres", "readonly", "Bound", "60m", "s", "pod/pg-0", "pgb_x_1", "<never>", int64(1), location, "id-s",
	}, table.Rows[0].Cells)
}

// TestBindings_TableFitsHundredColumns prints the widest cells of each column, for names of 20 characters.
func TestBindings_TableFitsHundredColumns(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 20)
	for _, kind := range []string{"deployment.apps", "statefulset.apps", "daemonset.apps", "replicaset.apps", "cronjob.batch", "pod"} {
		b := newBinding(name+"-pgbind", kind+"/"+name)
		b.Marks.DBName, b.Marks.Access, b.Noted, b.Created = name, "readwrite", nil, noon.Add(-999*24*time.Hour)
		text := &strings.Builder{}
		require.NoError(t, PrintTable(text, Bindings{b}.Table(noon), Options{}))
		assert.Contains(t, text.String(), "Unreferenced", "the longest state")
		assert.LessOrEqual(t, longest(text.String()), 100, text)
	}
}

func TestBindings_ListsObjects(t *testing.T) {
	t.Parallel()
	list, err := bindings().List(noon)
	require.NoError(t, err)
	require.Len(t, list.Items, 3)
	assert.Equal(t, "Binding", list.Items[0].GetKind())
	assert.Equal(t, "s", list.Items[0].GetName())
}

func TestUntil(t *testing.T) {
	t.Parallel()
	for want, expires := range map[string]time.Time{"<never>": {}, "2d1h": noon.Add(49 * time.Hour), "5m ago": noon.Add(-5 * time.Minute)} {
		assert.Equal(t, want, until(expires, noon))
	}
}
