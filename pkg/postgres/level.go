package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Level says how much of its schemas a binding may use.
type Level string

// The levels, from the widest to the narrowest.
const (
	All       Level = "all"
	ReadWrite Level = "readwrite"
	ReadOnly  Level = "readonly"
)

// Levels lists the levels, the default first.
func Levels() []Level { return []Level{All, ReadWrite, ReadOnly} }

// ParseLevel returns the level of that name, or an error that lists the names.
func ParseLevel(name string) (Level, error) {
	if level := Level(name); slices.Contains(Levels(), level) {
		return level, nil
	}
	return "", fmt.Errorf("access level %q is unknown: use all, readwrite or readonly", name)
}

// privileges is what a level gives on one kind of object, in the words of GRANT.
// TRIGGER and REFERENCES are left out: a trigger runs as the role that changes the table, and a foreign key compares values as the owner of
// the referenced table, with the application's own casts. EXECUTE is left out: where PUBLIC lacks it, somebody revoked it on purpose.
func (l Level) privileges() map[string]string {
	switch l {
	case ReadOnly:
		return map[string]string{
			"database": "CONNECT",
			"schema":   "USAGE",
			"table":    "SELECT",
			"sequence": "SELECT",
		}
	case ReadWrite:
		return map[string]string{
			"database": "CONNECT TEMPORARY",
			"schema":   "USAGE",
			"table":    "SELECT INSERT UPDATE DELETE",
			"sequence": "USAGE SELECT UPDATE",
		}
	default:
		return map[string]string{
			"database": "CONNECT TEMPORARY CREATE",
			"schema":   "USAGE CREATE",
			"table":    "SELECT INSERT UPDATE DELETE TRUNCATE",
			"sequence": "USAGE SELECT UPDATE",
		}
	}
}

// levelTable is the table of all levels as the SQL scripts read it.
func levelTable() (string, error) {
	type row struct {
		Level     Level  `json:"level"`
		Object    string `json:"object"`
		Privilege string `json:"privilege"`
	}
	var rows []row
	for _, level := range Levels() {
		for object, privileges := range level.privileges() {
			for _, privilege := range strings.Fields(privileges) {
				rows = append(rows, row{level, object, privilege})
			}
		}
	}
	text, err := json.Marshal(rows)
	return string(text), err
}
