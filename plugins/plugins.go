// Package plugins contains the files that kubectl and krew look for by name.
package plugins

import _ "embed"

//go:embed kubectl_complete-pgbind
var completionShim string

// CompletionShim returns the script that kubectl runs to complete the plugin's command line.
func CompletionShim() string { return completionShim }
