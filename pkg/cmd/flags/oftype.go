package flags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// OfType selects the workloads of a type: those with some labels, or all of the namespace.
type OfType struct {
	Selector string

	all bool
}

// AddTo adds the flags.
func (f *OfType) AddTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.Selector, "selector", "l", "", "Selector (label query) of the workloads of a TYPE, such as -l app=web")
	cmd.Flags().BoolVar(&f.all, "all", false, "All workloads of a TYPE in the namespace; those that a controller owns are skipped")
}

// IsSet reports whether the flags select workloads.
func (f *OfType) IsSet() bool { return f.all || f.Selector != "" }

// Type returns the type in the arguments. Its errors are usage errors.
func (f *OfType) Type(args []string) (workload.Type, error) {
	if f.all && f.Selector != "" {
		return workload.Type{}, errors.New("specify --selector or --all, but not both")
	}
	if _, err := labels.Parse(f.Selector); err != nil {
		return workload.Type{}, fmt.Errorf("read --selector: %w", err)
	}
	if len(args) != 1 || strings.Contains(args[0], "/") {
		return workload.Type{}, errors.New("--selector and --all take one TYPE without a name, for example: deployment --selector app=web")
	}
	found, ok := workload.TypeFor(args[0])
	if !ok {
		return workload.Type{}, fmt.Errorf("--selector and --all do not know the type %q: name the workloads as TYPE/NAME", args[0])
	}
	return found, nil
}
