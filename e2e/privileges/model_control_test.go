//go:build e2e

package privileges

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wrong is a change that makes a readonly binding differ from its level: a statement, its opposite, and the difference that must be found.
type wrong struct {
	do, undo                string
	kind, object, privilege string
	tried                   bool // an attempt shows it, too
}

func wrongs() []wrong {
	return []wrong{
		{"REVOKE SELECT ON shop.%s FROM", "GRANT SELECT ON shop.%s TO", "table", "s2 table", "SELECT", true},
		{"REVOKE SELECT ON shop.%s FROM", "GRANT SELECT ON shop.%s TO", "sequence", "s2 sequence", "SELECT", true},
		{"GRANT TRIGGER ON shop.%s TO", "REVOKE TRIGGER ON shop.%s FROM", "table", "s2 identity", "TRIGGER", true},
		{"GRANT REFERENCES ON shop.%s TO", "REVOKE REFERENCES ON shop.%s FROM", "table", "s2 serial", "REFERENCES", false},
		{"GRANT UPDATE (id) ON shop.%s TO", "REVOKE UPDATE (id) ON shop.%s FROM", "column", "s2 view", "UPDATE", false},
		{"GRANT DELETE ON shop.%s TO", "REVOKE DELETE ON shop.%s FROM", "partitioned table", "s2 parted", "DELETE", true},
		{"GRANT EXECUTE ON FUNCTION shop.%s() TO", "REVOKE EXECUTE ON FUNCTION shop.%s() FROM", "function", "s2 closed definer", "EXECUTE",
			true},
		{"GRANT USAGE ON TYPE shop.%s TO", "REVOKE USAGE ON TYPE shop.%s FROM", "type", "s2 closed enum", "USAGE", false},
		{"GRANT SELECT ON LARGE OBJECT %s TO", "REVOKE SELECT ON LARGE OBJECT %s FROM", "large object", "70002", "SELECT", true},
		{"GRANT CREATE ON SCHEMA %s TO", "REVOKE CREATE ON SCHEMA %s FROM", "schema", "open", "CREATE", true},
		{"GRANT USAGE ON FOREIGN SERVER %s TO", "REVOKE USAGE ON FOREIGN SERVER %s FROM", "server", "closed server", "USAGE", true},
		{"GRANT TEMPORARY ON DATABASE %s TO", "REVOKE TEMPORARY ON DATABASE %s FROM", "database", "model", "TEMPORARY", false},
		{"GRANT SELECT ON shop.%s TO", "REVOKE SELECT ON shop.%s FROM", "view", `su";' verifiers`, "SELECT", true},
	}
}

func (w wrong) statement(text, access string) string {
	name := quoted(w.object)
	if w.kind == "large object" {
		name = w.object
	}
	return fmt.Sprintf(text, name) + " " + quoted(access) + ";\n"
}

// control changes what a readonly binding has, in both directions: the matrix must show each change, and so must the attempts.
func (g *generated) control(b *bound) {
	g.t.Run("Control", func(t *testing.T) {
		g := g.in(t)
		require.Equal(t, "readonly", b.level)
		do, undo := "", ""
		for _, w := range wrongs() {
			do, undo = do+w.statement(w.do, b.access), undo+w.statement(w.undo, b.access)
		}
		g.admin(modelDatabase, do)
		m := g.model(b, g.facts(b)["matrix"])
		differences, _ := m.compare()
		var tries []trial
		for _, w := range wrongs() {
			tries = append(tries, m.attemptsOn(m.find(t, w))...)
		}
		failed := strings.Join(g.run(b, tries), "\n")
		g.admin(modelDatabase, undo)
		for _, w := range wrongs() {
			changed := m.find(t, w)
			found := slices.ContainsFunc(differences, func(d difference) bool { return d.object == changed && d.privilege == w.privilege })
			assert.True(t, found, "the matrix misses %s", w.statement(w.do, b.access))
			if w.tried {
				assert.Contains(t, failed, changed.String(), "the attempts miss %s", w.statement(w.do, b.access))
			}
		}
		after, _ := g.model(b, g.facts(b)["matrix"]).compare()
		assert.Less(t, len(after), len(differences), "the control is undone")
	})
}

// find returns the object of w, or its column id.
func (m *model) find(t *testing.T, w wrong) *object {
	t.Helper()
	at := slices.IndexFunc(m.objects, func(o object) bool {
		return o.Kind == w.kind && (o.Name == w.object && o.Schema != oddSchema || w.kind == "schema" && o.Schema == w.object) &&
			(w.kind != "column" || o.Arguments == "id")
	})
	require.GreaterOrEqual(t, at, 0, "the %s %s", w.kind, w.object)
	return &m.objects[at]
}
