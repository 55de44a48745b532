package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Statements describes in plain SQL what Bind makes true, for a person: the scripts run it differently, and only what
// is missing. The number of statements does not depend on the schemas, nor on what the database contains. No statement
// has a password.
func (spec RoleSpec) Statements(isNew bool) []string {
	role, access := Identifier(spec.Name), Identifier(spec.Access.Role())
	database, schemas := Identifier(spec.Access.Database), identifiers(spec.Access.sorted())
	var statements []string
	add := func(format string, args ...any) { statements = append(statements, fmt.Sprintf(format, args...)) }
	if isNew {
		add("CREATE ROLE %s LOGIN PASSWORD '%s'", role, masked)
	}
	if !spec.Expires.IsZero() {
		add("ALTER ROLE %s VALID UNTIL '%s'", role, spec.Expires.UTC().Format(time.RFC3339))
	}
	if spec.Limits.Connections != nil {
		add("ALTER ROLE %s CONNECTION LIMIT %d", role, *spec.Limits.Connections)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Limits.Settings)) {
		if value := spec.Limits.Settings[name]; value == "" {
			add("ALTER ROLE %s IN DATABASE %s RESET %s", role, database, Identifier(name))
		} else {
			add("ALTER ROLE %s IN DATABASE %s SET %s TO '%s'", role, database, Identifier(name), strings.ReplaceAll(value, "'", "''"))
		}
	}
	add("CREATE ROLE %s NOLOGIN", access)
	add("GRANT %s TO %s", access, role)
	if spec.Access.Level == All {
		add("ALTER ROLE %s IN DATABASE %s SET role TO %s", role, database, access)
	}
	if spec.Creates.Schema != "" {
		add("CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %s", Identifier(spec.Creates.Schema), access)
	}
	for _, extension := range spec.Creates.Extensions {
		add("CREATE EXTENSION IF NOT EXISTS %s SCHEMA %s", Identifier(extension), Identifier(spec.Creates.ExtensionSchema))
	}
	privileges := spec.Access.Level.privileges()
	on := func(kind string) string { return strings.Join(strings.Fields(privileges[kind]), ", ") }
	add("GRANT %s ON DATABASE %s TO %s", on("database"), database, access)
	add("GRANT %s ON SCHEMA %s TO %s", on("schema"), schemas, access)
	for _, kind := range []string{"table", "sequence"} {
		objects := strings.ToUpper(kind) + "S"
		add("GRANT %s ON ALL %s IN SCHEMA %s TO %s", on(kind), objects, schemas, access)
		add("ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT %s ON %s TO %s", schemas, on(kind), objects, access)
	}
	return statements
}

// identifiers returns a list of names as SQL has them.
func identifiers(names []string) string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, Identifier(name))
	}
	return strings.Join(quoted, ", ")
}
