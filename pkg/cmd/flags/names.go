package flags

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Names is the flag -o name of commands whose results have no other form as objects.
type Names struct{ format string }

// AddTo adds the flag.
func (f *Names) AddTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(
		&f.format, "output", "o", "",
		"Output mode. Use -o name to print the bindings as "+nameOf("NAME")+", which other commands accept",
	)
	CompleteOutput(cmd, []string{"name"})
}

// Validate rejects an invalid mode.
func (f *Names) Validate() error {
	if f.format != "" && f.format != "name" {
		return fmt.Errorf("invalid output mode %q: use -o name", f.format)
	}
	return nil
}

// IsSet reports whether results are printed as names at the end.
func (f *Names) IsSet() bool { return f.format != "" }

// Print prints the names of bindings, if that was requested.
func (f *Names) Print(w io.Writer, secrets []string) error {
	if !f.IsSet() {
		return nil
	}
	for _, name := range secrets {
		if _, err := fmt.Fprintln(w, nameOf(name)); err != nil {
			return fmt.Errorf("write the names: %w", err)
		}
	}
	return nil
}

func nameOf(secret string) string { return "binding." + v1alpha1.Group + "/" + secret }
