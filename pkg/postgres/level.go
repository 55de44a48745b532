package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Level is the access level of a binding on its schemas.
type Level string

// The levels, from the widest to the narrowest.
const (
	All       Level = "all"
	ReadWrite Level = "readwrite"
	ReadOnly  Level = "readonly"
)

// Levels returns the levels, the default first.
func Levels() []Level { return []Level{All, ReadWrite, ReadOnly} }

// ParseLevel returns the level of that name, or an error that lists the names.
func ParseLevel(name string) (Level, error) {
	if level := Level(name); slices.Contains(Levels(), level) {
		return level, nil
	}
	return "", fmt.Errorf("access level %q is unknown: use all, readwrite or readonly", name)
}

// LevelName returns the name of the level that a user means: ro and read-only are other words for readonly, rw and read-write for
// readwrite. It returns any other word unchanged. Files and metadata contain the names only.
func LevelName(word string) string {
	switch word {
	case "ro", "read-only":
		return string(ReadOnly)
	case "rw", "read-write":
		return string(ReadWrite)
	}
	return word
}

// Wider reports whether the level grants more than another one.
func (l Level) Wider(other Level) bool {
	return slices.Index(Levels(), l) < slices.Index(Levels(), other)
}

// privileges returns the privileges that a level grants, by kind of object, as GRANT names them. No level grants
// TRIGGER or REFERENCES: a trigger runs as the role that changes the table, and a foreign key compares values as the
// owner of the referenced table, with casts of the application. No level grants EXECUTE: if PUBLIC lacks it, a DBA
// revoked it on purpose.
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

// levelTable returns the privileges of all levels as JSON for the SQL scripts.
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
