//go:build e2e

package privileges

import (
	"slices"
	"strings"
)

// object is one row of model/matrix.sql. Its trait is the comment that this package gave it: "outside" for what reads outside the bound
// schemas, "closed" where PUBLIC lost what it has by default, "rows" for row level security, and after "public" the privileges that PUBLIC
// was granted.
type object struct {
	Kind, Schema, Name, Ident, Arguments, Owner, Trait string
	Member, Updatable                                  bool
	Has                                                map[string]bool
}

// party says what kind of owner a role is.
type party int

const (
	superuser party = iota + 1
	plainOwner
	sharing  // the access role of another binding
	isolated // that of a binding with --isolated
	newcomer // a role that owned nothing in the schemas at the last bind
	self     // the roles of the binding itself
)

// model computes what one binding may use. It is written from the table "What a level grants" of the design, and from PostgreSQL's defaults
// for PUBLIC.
type model struct {
	level   string
	schemas []string
	parties map[string]party
	objects []object
	index   map[string]*object
}

// levelTable is the design's table. A kind that it does not name gets nothing from any level.
func levelTable(level, kind string) string {
	switch kind {
	case "database":
		return map[string]string{"readonly": "CONNECT", "readwrite": "CONNECT TEMPORARY", "all": "CONNECT TEMPORARY CREATE"}[level]
	case "schema":
		return map[string]string{"readonly": "USAGE", "readwrite": "USAGE", "all": "USAGE CREATE"}[level]
	case "relation":
		return map[string]string{"readonly": "SELECT", "readwrite": "SELECT INSERT UPDATE DELETE",
			"all": "SELECT INSERT UPDATE DELETE TRUNCATE"}[level]
	case "sequence":
		return map[string]string{"readonly": "SELECT", "readwrite": "USAGE SELECT UPDATE", "all": "USAGE SELECT UPDATE"}[level]
	}
	return ""
}

// publicDefault is what PUBLIC has on each new object of a kind.
func publicDefault(kind string) string {
	switch kind {
	case "function", "procedure", "aggregate":
		return "EXECUTE"
	case "type", "domain", "language":
		return "USAGE"
	case "database":
		return "CONNECT TEMPORARY"
	}
	return ""
}

func names(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func isRelation(kind string) bool {
	return slices.Contains([]string{"table", "partitioned table", "view", "materialized view", "foreign table"}, kind)
}

// trait splits the comment of an object into the words before "public" and the privileges after it.
func (o *object) trait() (words, public string) {
	words, public, _ = strings.Cut(" "+o.Trait+" ", " public ")
	return words, public
}

// public says whether PUBLIC has the privilege.
func (o *object) public(privilege string) bool {
	words, granted := o.trait()
	return names(granted, privilege) || !names(words, "closed") && names(publicDefault(o.Kind), privilege)
}

// outside returns whether a superuser's relation reads something outside the bound schemas. No level grants anything on it.
func (m *model) outside(o *object) bool {
	words, _ := o.trait()
	return m.parties[o.Owner] == superuser && names(words, "outside")
}

// may says whether the binding has the privilege on the object. "OWN" stands for what only an owner may do.
func (m *model) may(o *object, privilege string) bool {
	if o.Kind == "column" {
		if o.public(privilege) {
			return true
		}
		o = m.index[o.Ident]
	}
	if m.parties[o.Owner] == self {
		return true
	}
	if o.public(privilege) {
		return true
	}
	return m.granted(o, privilege)
}

// granted says whether the level grants the privilege on an object of somebody else.
func (m *model) granted(o *object, privilege string) bool {
	kind := o.Kind
	switch {
	case isRelation(kind):
		kind = "relation"
	case kind == "database":
		return o.Name == modelDatabase && names(levelTable(m.level, kind), privilege)
	}
	if !slices.Contains(m.schemas, o.Schema) || o.Member || m.outside(o) {
		return false
	}
	if kind != "schema" && (m.parties[o.Owner] == isolated || m.parties[o.Owner] == newcomer) {
		return false
	}
	return names(levelTable(m.level, kind), privilege)
}

// reaches says whether the binding may use names in the object's schema.
func (m *model) reaches(o *object) bool {
	return o.Schema == "" || o.Kind == "schema" || m.may(m.index[schemaKey(o.Schema)], "USAGE")
}

func schemaKey(schema string) string { return "schema " + schema }
