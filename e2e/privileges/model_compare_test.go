//go:build e2e

package privileges

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// difference is a privilege that the server and the model disagree on.
type difference struct {
	object    *object
	privilege string
	actual    bool
}

func (d difference) String() string {
	verb := map[bool]string{true: "may", false: "may not"}
	return fmt.Sprintf("%s: %s: expected %s, actual %s", d.object, d.privilege, verb[!d.actual], verb[d.actual])
}

func (o *object) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s of %q", o.Kind, o.Ident, o.Arguments, o.Owner))
}

// compare returns all differences between the matrix and the model, and the number of privileges that it compared.
func (m *model) compare() ([]difference, int) {
	var found []difference
	compared := 0
	for i := range m.objects {
		o := &m.objects[i]
		for _, privilege := range sortedKeys(o.Has) {
			expected := m.may(o, privilege)
			if bare, grantOption := strings.CutSuffix(privilege, " WITH GRANT OPTION"); grantOption {
				expected = m.may(o, "OWN") && bare != ""
			}
			compared++
			if actual := o.Has[privilege]; actual != expected {
				found = append(found, difference{o, privilege, actual})
			}
		}
	}
	return found, compared
}

func sortedKeys(has map[string]bool) []string {
	keys := make([]string, 0, len(has))
	for key := range has {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// ofIsolated says whether the object belongs to the access role of a binding with --isolated.
func (m *model) ofIsolated(o *object) bool { return m.parties[o.Owner] == isolated }

// pending says whether the default privileges of a superuser grant the object until the next bind, although no level does.
func (m *model) pending(o *object) bool {
	if o.Kind == "column" {
		o = m.index[o.Ident]
	}
	return strings.HasPrefix(o.Name, laterPrefix) && m.parties[o.Owner] == superuser && slices.Contains(m.schemas,
		o.Schema) && (o.Member || m.outside(o))
}

// aggregates says whether the object is a view that reads by an aggregate, or a column of one.
func (m *model) aggregates(o *object) bool {
	if o.Kind == "column" {
		o = m.index[o.Ident]
	}
	return o.Kind == "view" && strings.HasSuffix(o.Name, " peeks")
}

// expectMatrix compares the matrix of a binding with the model, in both directions.
func (g *generated) expectMatrix(m *model, b *bound, later bool) {
	g.t.Helper()
	found, compared := m.compare()
	var others, ofIsolated, pending, aggregates []string
	for _, d := range found {
		switch {
		case later && d.actual && m.pending(d.object):
			pending = append(pending, d.String())
		case m.ofIsolated(d.object):
			ofIsolated = append(ofIsolated, d.String())
		case m.aggregates(d.object):
			aggregates = append(aggregates, d.String())
		default:
			others = append(others, d.String())
		}
	}
	g.tried.add(totals{objects: m.number(), privileges: compared})
	assert.GreaterOrEqual(g.t, m.number(), 200, "the generated database is too small")
	expectNone(g.t, "privileges of "+b.name, others)
	g.t.Run("Isolated", func(t *testing.T) { expectNone(t, "what isolated bindings own", ofIsolated) })
	g.t.Run("Aggregate", func(t *testing.T) { expectNone(t, "views of a superuser that read by an aggregate", aggregates) })
	if later {
		assert.NotEmpty(g.t, pending, "docs/security.md says that default privileges grant these until the next bind")
	}
}

// number is the number of objects, without columns.
func (m *model) number() int {
	number := 0
	for i := range m.objects {
		if m.objects[i].Kind != "column" {
			number++
		}
	}
	return number
}

func (c *totals) add(more totals) {
	c.objects = max(c.objects, more.objects)
	c.privileges += more.privileges
	c.attempts += more.attempts
}

// expectRoles compares memberships, role attributes, PostgreSQL's own objects and parameters with those of a plain role.
func (g *generated) expectRoles(b *bound, facts map[string][]string) {
	g.t.Helper()
	roles := []string{b.login.Username, b.access}
	slices.Sort(roles)
	actual := facts["roles"]
	slices.Sort(actual)
	assert.Equal(g.t, roles, actual, "the roles and attributes of %s", b.name)
	system := facts["system"]
	require.NotEmpty(g.t, system)
	number := 0
	_, err := fmt.Sscanf(system[len(system)-1], "compared %d", &number)
	require.NoError(g.t, err)
	assert.Greater(g.t, number, 3000, "PostgreSQL's own objects")
	expectNone(g.t, "PostgreSQL's own objects", system[:len(system)-1])
	parameters := facts["parameters"]
	if g.version >= "15" {
		assert.Equal(g.t, []string{"SET on log_min_duration_statement"}, parameters)
	} else {
		assert.Empty(g.t, parameters)
	}
	g.tried.add(totals{privileges: number + len(actual)})
}

// expectDefaults reads the default privileges: none beyond the level, none outside the bound schemas, none of an isolated binding.
func (g *generated) expectDefaults(b *bound, m *model, rows []string) {
	g.t.Helper()
	var beyond, ofIsolated []string
	for _, row := range rows {
		var d struct{ Creator, Schema, Kind, Privilege string }
		require.NoError(g.t, json.Unmarshal([]byte(row), &d))
		kind := map[string]string{"r": "relation", "S": "sequence"}[d.Kind]
		switch {
		case !slices.Contains(b.schemas, d.Schema) || !names(levelTable(b.level, kind), d.Privilege):
			beyond = append(beyond, row)
		case m.parties[d.Creator] == isolated:
			ofIsolated = append(ofIsolated, row)
		}
	}
	assert.NotEmpty(g.t, rows, "default privileges")
	g.tried.add(totals{privileges: len(rows)})
	expectNone(g.t, "default privileges of "+b.name, beyond)
	g.t.Run("IsolatedDefaults", func(t *testing.T) { expectNone(t, "default privileges of isolated bindings", ofIsolated) })
}

// expectInformation compares information_schema.role_table_grants, read by the application itself, with the model.
func (g *generated) expectInformation(b *bound, m *model) {
	g.t.Helper()
	result := g.as(
		b.login,
		modelDatabase,
		`SELECT json_build_array(quote_ident(table_schema) || '.' || quote_ident(table_name), privilege_type, is_grantable)
		FROM information_schema.role_table_grants WHERE grantee IN (`+literal(b.login.Username)+", "+literal(b.access)+")",
	)
	require.Zero(g.t, result.Code, result.Stderr)
	actual := map[string]bool{}
	for row := range strings.Lines(result.Stdout) {
		var fields []string
		require.NoError(g.t, json.Unmarshal([]byte(row), &fields))
		actual[strings.Join(fields, "\x00")] = true
	}
	var differ []string
	for i := range m.objects {
		o := &m.objects[i]
		if !isRelation(o.Kind) || o.Kind == "materialized view" || m.ofIsolated(o) || m.pending(o) || m.aggregates(o) {
			continue
		}
		for _, privilege := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} {
			owned := m.parties[o.Owner] == self
			for grantable, expected := range map[string]bool{"YES": owned, "NO": !owned && m.granted(o, privilege)} {
				if has := actual[strings.Join([]string{o.Ident, privilege, grantable}, "\x00")]; has != expected {
					differ = append(
						differ,
						fmt.Sprintf("%s on %s %s of %q, grantable %s: expected %t, actual %t", privilege, o.Kind, o.Ident, o.Owner,
							grantable, expected, has),
					)
				}
				g.tried.privileges++
			}
		}
	}
	expectNone(g.t, "information_schema.role_table_grants of "+b.name, differ)
}
