package postgres

import (
	"fmt"
	"strings"
)

// Creates is what a bind creates in the database if it does not exist.
type Creates struct {
	Schema          string   // belongs to the access role; empty: none
	Extensions      []string // in their order
	ExtensionSchema string   // the schema of those that do not choose theirs
	// Path is the schemas whose objects the application finds without their schema, besides those of the extensions.
	Path []string
}

func (c Creates) any() bool { return c.Schema != "" || len(c.Extensions) > 0 }

// key is equal for bindings that create the same.
func (c Creates) key() string {
	if !c.any() {
		return ""
	}
	return fmt.Sprintf("%q", c)
}

// schemaMark returns the comment on a schema that this run created, by which it finds the schema again to roll it back.
func (o Owner) schemaMark() string { return markVersion + " schema run=" + o.Run }

// create appends what creates extensions and the schema of the access role. Extensions come first: afterwards the application can have
// objects in their reach.
func (s *script) create(spec RoleSpec) {
	c := spec.Creates
	if !c.any() {
		return
	}
	extensions := c.Extensions
	if extensions == nil {
		extensions = []string{}
	}
	s.set("extensions", s.json(extensions), "path", s.json(c.Path))
	if len(extensions) > 0 {
		s.set("extension_schema", c.ExtensionSchema).run("create_extensions")
	}
	if c.Schema != "" {
		s.set(
			"new_schema",
			c.Schema,
			"schema_mark",
			spec.Owner.schemaMark(),
		).run(
			"begin_and_lock",
			"require_access",
			"create_schema",
			"commit_role",
		)
	}
}

// ExistingSchema is a schema that existed and that belongs to another role than the access role.
type ExistingSchema struct {
	Schema string `json:"schema"`
	Owner  string `json:"owner"`
}

// ExposedSchemaError reports that extensions cannot be created because their scripts, which run as the administrator, could run objects
// of others.
type ExposedSchemaError struct{ Creators []Creator }

func (e *ExposedSchemaError) Error() string {
	names := make([]string, len(e.Creators))
	for i, c := range e.Creators {
		names[i] = c.String()
	}
	return fmt.Sprintf("an extension cannot be created where roles other than administrators can create objects or own some, because its "+
		"script runs as the administrator and could run them (%s): use a schema of the administrator with --extension-schema",
		strings.Join(names, ", "))
}
