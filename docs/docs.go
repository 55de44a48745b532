// Package docs holds the documents that the program itself reads.
package docs

import _ "embed" // for the schema

// BindingSchema is the JSON Schema of a written binding.
//
//go:embed binding.schema.json
var BindingSchema []byte
