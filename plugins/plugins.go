// Package plugins holds what kubectl and krew look for by name.
package plugins

import _ "embed"

//go:embed kubectl_complete-pgbind
var completionShim string

// CompletionShim is the script that kubectl runs to complete the plugin's command line.
func CompletionShim() string { return completionShim }
