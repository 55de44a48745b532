// Package cmd is the command line: flags become options, and nothing else happens here.
package cmd

import (
	"context"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Execute runs the command line args and returns the process's exit code.
func Execute(_ context.Context, _ genericiooptions.IOStreams, _ []string) int {
	return 1
}
