//go:build e2e

package privileges

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The SQLSTATEs that attempts end with.
const (
	worked   = "00000"
	refused  = "42501"
	noRow    = "22012" // an attempt divides by the number of rows, where row level security hides all of them
	noChange = "42809" // a materialized view takes no rows, and a partition no columns
)

// attempt is one statement of the application. It must work, or fail because of a missing privilege.
type trial struct {
	object  *object
	sql     string
	may     bool
	works   string // the SQLSTATE of an allowed attempt; success if empty
	alone   bool   // the statement runs outside a transaction
	warning bool   // PostgreSQL refuses with a warning
}

// extent says which objects are tried.
type extent int

const (
	sampled  extent = iota // the first object of each kind, party and trait
	thorough               // and of each name that the scripts give
	later                  // a sample of what was made after the bind
	alone                  // a sample of what isolated bindings own
	light                  // of the sample, what is in a bound schema
)

// attempts are the statements to try, and the number of objects that they concern.
func (m *model) attempts(of extent) ([]trial, int) {
	var tries []trial
	seen := map[string]bool{}
	for i := range m.objects {
		o := &m.objects[i]
		key := m.sampleKey(o, of)
		if seen[key] || o.Kind == "column" || m.ofIsolated(o) != (of == alone) || m.pending(o) || m.aggregates(o) ||
			of == later && !strings.HasPrefix(o.Name, laterPrefix) || of == light && !slices.Contains(m.schemas, o.Schema) {
			continue
		}
		seen[key] = true
		tries = append(tries, m.attemptsOn(o)...)
	}
	return tries, len(seen)
}

// attemptsOn are the statements to try on one object.
func (m *model) attemptsOn(o *object) []trial {
	tries := m.ownerAttempts(o)
	if isRelation(o.Kind) {
		tries = append(tries, m.relationAttempts(o)...)
		tries = append(tries, m.tableAttempts(o)...)
	} else {
		tries = append(tries, m.otherAttempts(o)...)
	}
	for i := range tries {
		tries[i].object = o
		tries[i].may = tries[i].may && m.reaches(o)
	}
	return tries
}

// sampleKey is equal for objects of which one is enough.
func (m *model) sampleKey(o *object, of extent) string {
	name := ""
	if o.Schema == "" && o.Kind != "large object" || o.Kind == "schema" {
		name = o.Ident
	} else if of == thorough && isRelation(o.Kind) {
		name = o.Name[strings.LastIndex(o.Name, " ")+1:]
	}
	bound, owner := slices.Contains(m.schemas, o.Schema), m.parties[o.Owner]
	if of != thorough && owner != self && (!bound || o.Trait != "") {
		owner = superuser // the owner makes no difference
	}
	return fmt.Sprint(o.Kind, "|", bound, "|", owner, "|", o.Trait, "|", o.Member, "|", name, "|", o.Arguments == "()")
}

// relationAttempts read and write.
func (m *model) relationAttempts(o *object) []trial {
	words, _ := o.trait()
	hides := names(words, "rows") && !m.may(o, "OWN")
	tries := []trial{{sql: "SELECT * FROM " + o.Ident + " LIMIT 1", may: m.may(o, "SELECT")},
		{sql: "COPY (SELECT * FROM " + o.Ident + ") TO STDOUT", may: m.may(o, "SELECT")}}
	if hides {
		tries = append(tries, trial{sql: "SELECT 1 / count(*) FROM " + o.Ident, may: m.may(o, "SELECT"), works: noRow})
	}
	if o.Kind == "materialized view" {
		return append(tries, trial{sql: "INSERT INTO " + o.Ident + " (id) SELECT 5 WHERE false", may: m.may(o, "INSERT"), works: noChange},
			trial{sql: "DELETE FROM " + o.Ident, may: m.may(o, "DELETE"), works: noChange},
			trial{sql: "REFRESH MATERIALIZED VIEW " + o.Ident, may: m.may(o, "OWN")})
	}
	if !o.Updatable {
		return tries
	}
	if !m.outside(o) && !strings.HasPrefix(o.Ident, "hidden.") { // of those, a column is computed
		value := m.column(o, "val")
		tries = append(tries, trial{sql: "UPDATE " + o.Ident + " SET val = 'u'", may: value != nil && m.may(value, "UPDATE")})
	}
	tries = append(tries, trial{sql: "DELETE FROM " + o.Ident, may: m.may(o, "DELETE")})
	if m.column(o, "id") != nil {
		tries = append(tries, trial{sql: "INSERT INTO " + o.Ident + " (id) SELECT 5 WHERE false", may: m.may(o, "INSERT")})
	}
	if !hides && !m.outside(o) && !strings.Contains(o.Name, "part") {
		tries = append(tries, trial{sql: "INSERT INTO " + o.Ident + " DEFAULT VALUES", may: m.may(o, "INSERT")})
	}
	return tries
}

func (m *model) column(o *object, name string) *object {
	at := slices.IndexFunc(m.objects, func(c object) bool { return c.Kind == "column" && c.Ident == o.Ident && c.Arguments == name })
	if at < 0 {
		return nil
	}
	return &m.objects[at]
}

// tableAttempts lock, empty and refer to a table, and do what only its owner may do.
func (m *model) tableAttempts(o *object) []trial {
	owns := m.may(o, "OWN")
	tries := []trial{{sql: "GRANT SELECT ON " + o.Ident + " TO newcomer", may: owns, warning: true}}
	if o.Kind != "table" && o.Kind != "partitioned table" {
		return tries
	}
	changes := m.may(o, "UPDATE") || m.may(o, "DELETE") || m.may(o, "TRUNCATE")
	tries = append(
		tries,
		trial{sql: "TRUNCATE " + o.Ident, may: m.may(o, "TRUNCATE")},
		trial{sql: "LOCK TABLE " + o.Ident + " IN ACCESS SHARE MODE NOWAIT", may: changes || m.may(o, "SELECT")},
		trial{sql: "LOCK TABLE " + o.Ident + " IN ACCESS EXCLUSIVE MODE NOWAIT", may: changes},
		trial{
			sql: "CREATE TRIGGER model_new BEFORE UPDATE ON " + o.Ident + " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
			may: m.may(o, "TRIGGER"),
		},
		trial{sql: "VACUUM " + o.Ident, may: owns, alone: true, warning: true},
		trial{sql: "ANALYZE " + o.Ident, may: owns, alone: true, warning: true},
		trial{sql: "REINDEX TABLE " + o.Ident, may: owns, alone: true},
	)
	column := ""
	if m.column(o, "id") != nil {
		column = "id"
	}
	if column != "" && !o.Member {
		tries = append(tries, trial{sql: "CREATE INDEX ON " + o.Ident + " (id)", may: owns},
			trial{sql: "CREATE STATISTICS model_new ON id, val FROM " + o.Ident, may: owns && m.makes("public")})
	}
	added := trial{sql: "ALTER TABLE " + o.Ident + " ADD COLUMN model_new int", may: owns}
	if strings.HasSuffix(o.Name, " part") || strings.HasSuffix(o.Name, " part default") {
		added.works = noChange
	}
	tries = append(tries, added)
	for _, action := range []string{"DISABLE TRIGGER USER", "ENABLE ROW LEVEL SECURITY", "OWNER TO CURRENT_USER"} {
		tries = append(tries, trial{sql: "ALTER TABLE " + o.Ident + " " + action, may: owns})
	}
	tries = append(tries, trial{sql: "CREATE POLICY model_new ON " + o.Ident + " USING (true)", may: owns},
		trial{sql: "CREATE RULE model_new AS ON UPDATE TO " + o.Ident + " DO ALSO NOTHING", may: owns})
	if strings.HasSuffix(o.Name, " table") || strings.HasSuffix(o.Name, " identity") {
		tries = append(tries, trial{sql: "CREATE TABLE shop.model_new (x int REFERENCES " + o.Ident + ")", may: m.makes("shop") && m.may(o,
			"REFERENCES")},
			trial{sql: "CREATE TABLE shop.model_new () INHERITS (" + o.Ident + ")", may: m.makes("shop") && owns},
			trial{sql: "CLUSTER " + o.Ident + " USING " + quoted(o.Name+"_pkey"), may: owns})
	}
	return tries
}

// makes says whether the binding may create objects in a schema.
func (m *model) makes(schema string) bool { return m.may(m.index[schemaKey(schema)], "CREATE") }

// run tries the attempts in one session of the application, and returns what happened otherwise than expected.
func (g *generated) run(b *bound, tries []trial) []string {
	g.t.Helper()
	var text strings.Builder
	text.WriteString("\\o /dev/null\nSET statement_timeout = '20s';\nSET lock_timeout = '5s';\n")
	for i, try := range tries {
		begin, end := "BEGIN;", "ROLLBACK;"
		if try.alone {
			begin, end = "", ""
		}
		fmt.Fprintf(&text, "\\warn attempt %d\n%s\n%s;\n\\set state :SQLSTATE\n%s\n\\echo attempt %d :state\n", i, begin, try.sql, end, i)
	}
	result := g.as(b.login, modelDatabase, text.String())
	require.Zero(g.t, result.Code, "the session of %s ended", b.name)
	states := map[int]string{}
	for line := range strings.Lines(result.Stdout) {
		number, state := 0, ""
		if _, err := fmt.Sscanf(line, "attempt %d %s", &number, &state); err == nil {
			states[number] = state
		}
	}
	require.Len(g.t, states, len(tries), "each attempt has a result")
	warned := warnings(result.Stderr)
	var differ []string
	for i, try := range tries {
		state := states[i]
		if try.warning && state == worked && warned[i] {
			state = refused
		}
		expected := refused
		if try.may {
			expected = worked
			if try.works != "" {
				expected = try.works
			}
		}
		if state != expected {
			differ = append(differ, try.describe()+": expected "+expected+", actual "+state)
		}
	}
	g.tried.attempts += len(tries)
	return differ
}

func (a *trial) describe() string {
	if a.object == nil {
		return a.sql
	}
	return a.object.String() + ": " + a.sql
}

// warnings are the numbers of the attempts that PostgreSQL warned about.
func warnings(stderr string) map[int]bool {
	warned, number := map[int]bool{}, 0
	for line := range strings.Lines(stderr) {
		if _, err := fmt.Sscanf(line, "attempt %d", &number); err == nil {
			continue
		}
		if strings.Contains(line, "WARNING:") {
			warned[number] = true
		}
	}
	return warned
}

// expectAttempts tries objects in the application's own session, and what concerns no object.
func (g *generated) expectAttempts(b *bound, m *model, of extent) {
	g.t.Helper()
	tries, sample := m.attempts(of)
	kinds := map[string]bool{}
	for _, try := range tries {
		kinds[try.object.Kind] = true
	}
	assert.GreaterOrEqual(g.t, sample, 60, "the sample is too small")
	assert.GreaterOrEqual(g.t, len(kinds), 20, "the sample lacks kinds: %v", slices.Sorted(maps.Keys(kinds)))
	expectNone(g.t, "attempts of "+b.name, g.run(b, append(tries, m.generalAttempts()...)))
	if of != thorough {
		return
	}
	g.t.Run("IsolatedAttempts", func(t *testing.T) {
		g := g.in(t)
		tries, sample := m.attempts(alone)
		assert.GreaterOrEqual(t, sample, 20, "the sample is too small")
		expectNone(t, "attempts on what isolated bindings own", g.run(b, tries))
	})
}
