package apply

import (
	"fmt"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// recorder keeps what one bind tells.
type recorder struct {
	verbs    []string
	binding  *v1alpha1.Binding
	warnings []string
	shown    []string
}

// Done implements bind.Reporter.
func (r *recorder) Done(_, verb string) { r.verbs = append(r.verbs, verb) }

// Step implements bind.Reporter; the steps of many bindings at once would tell nobody anything.
func (r *recorder) Step(string, ...any) {}

// Warn implements bind.Reporter.
func (r *recorder) Warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// Show implements bind.Reporter.
func (r *recorder) Show(text string) { r.shown = append(r.shown, text) }

func (r *recorder) bound(written *v1alpha1.Binding) { r.binding = written }

func (r *recorder) did(verbs ...string) bool {
	return slices.ContainsFunc(r.verbs, func(verb string) bool { return slices.Contains(verbs, verb) })
}
