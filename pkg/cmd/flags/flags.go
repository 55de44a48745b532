// Package flags contains the flags that several commands share. Each flag is added in one place.
package flags

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
)

// The defaults of flags that several commands have.
const (
	DefaultTimeout = 5 * time.Minute
	DefaultGrace   = 10 * time.Second
	DefaultDrain   = time.Minute
	DefaultSettle  = 2 * time.Minute
)

// RequestConcurrency is the number of simultaneous requests of commands that change many bindings.
const RequestConcurrency = 64

// groupAnnotation is the annotation of a flag that names its group in the help.
const groupAnnotation = "group"

// Group puts the flags that were added to the set since the last call into a group, which is a heading in the help.
func Group(set *pflag.FlagSet, name string) {
	set.VisitAll(func(flag *pflag.Flag) {
		if GroupOf(flag) != "" {
			return
		}
		if flag.Annotations == nil {
			flag.Annotations = map[string][]string{}
		}
		flag.Annotations[groupAnnotation] = []string{name}
	})
}

// GroupOf returns the group of a flag, or an empty string.
func GroupOf(flag *pflag.Flag) string {
	if group := flag.Annotations[groupAnnotation]; len(group) > 0 {
		return group[0]
	}
	return ""
}

// rareAnnotation marks a flag that is in the reference and not in the help.
const rareAnnotation = "rare"

// HideRare keeps flags that few users need out of the help. They work, and are completed and documented like the others.
func HideRare(set *pflag.FlagSet, names ...string) {
	for _, name := range names {
		flag := set.Lookup(name)
		if flag.Annotations == nil {
			flag.Annotations = map[string][]string{}
		}
		flag.Annotations[rareAnnotation] = nil
	}
}

// HideRareOutput keeps the flags about details of formats out of the help.
func HideRareOutput(set *pflag.FlagSet) {
	HideRare(set, "allow-missing-template-keys", "show-managed-fields")
}

// InHelp reports whether the help lists a flag.
func InHelp(flag *pflag.Flag) bool {
	_, rare := flag.Annotations[rareAnnotation]
	return !flag.Hidden && !rare && flag.Name != "help"
}

// AddFieldManager adds the flag of kubectl, whose default depends on the binding.
func AddFieldManager(cmd *cobra.Command, manager *string) {
	cmd.Flags().StringVar(manager, "field-manager", "",
		"Name of the manager used to track field ownership (default: that of the bind, or else "+fieldmanager.Default+")")
}

// NamespaceOf returns the current namespace, or the one of --namespace.
func NamespaceOf(connection *genericclioptions.ConfigFlags) (string, error) {
	namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("find the namespace: %w", err)
	}
	return namespace, nil
}

// Duration is a flag to check.
type Duration struct {
	Flag  string
	Value time.Duration
}

// CheckDurations rejects negative durations.
func CheckDurations(durations ...Duration) error {
	var errs []error
	for _, d := range durations {
		if d.Value < 0 {
			errs = append(errs, fmt.Errorf("invalid --%s %q: use a duration that is not negative, such as 30s or 5m", d.Flag, d.Value))
		}
	}
	return errors.Join(errs...)
}
