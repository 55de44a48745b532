package completion

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// filter selects workloads.
type filter func(*metav1.PartialObjectMetadata) bool

// bindable excludes objects with a controller, which would revert a change.
func bindable(object *metav1.PartialObjectMetadata) bool {
	return metav1.GetControllerOf(object) == nil
}

// bound reports whether a workload has the annotation of a binding. ReplicaSets inherit it from their Deployment and are excluded.
func bound(object *metav1.PartialObjectMetadata) bool {
	return bindable(object) && len(secret.AnnotationsOf(object.Annotations)) > 0
}

// bindableWorkload completes TYPE/NAME: first the types that can be bound, then the names of a type.
func (c *completer) bindableWorkload(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 && !strings.Contains(typed, "/") {
		var types []string
		for _, t := range workload.Types() {
			if strings.HasPrefix(t.Name, typed) {
				types = append(types, t.Name+"/")
			}
		}
		if len(types) > 0 {
			return types, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}
	}
	return c.workload(bindable)(cmd, args, typed)
}

// workload completes TYPE/NAME and TYPE NAME with the workloads that match the filter and are not on the command line yet.
func (c *completer) workload(matches filter) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		list := func(ctx context.Context, _ *cobra.Command, args []string) []string {
			var names []string
			if len(args) > 0 && !strings.Contains(args[0], "/") {
				names = c.namesOf(ctx, args[0], "", matches)
			} else if kind, _, ok := strings.Cut(typed, "/"); ok {
				names = c.namesOf(ctx, kind, kind+"/", matches)
			} else {
				names = c.namesOfAll(ctx, matches)
			}
			return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) })
		}
		return limited(list)(cmd, args, typed)
	}
}

// namesOf lists the workloads of the type, each with the prefix.
func (c *completer) namesOf(ctx context.Context, word, prefix string, matches filter) []string {
	kind, ok := workload.TypeFor(word)
	if !ok {
		return nil
	}
	var names []string
	for _, object := range c.list(ctx, kind.Resource, metav1.ListOptions{}) {
		if matches(&object) {
			names = append(names, prefix+object.Name)
		}
	}
	return names
}

// namesOfAll lists the workloads of all types as TYPE/NAME. It requests all types in parallel.
func (c *completer) namesOfAll(ctx context.Context, matches filter) []string {
	kinds := workload.Types()
	found := make([][]string, len(kinds))
	var group sync.WaitGroup
	for i, kind := range kinds {
		group.Go(func() { found[i] = c.namesOf(ctx, kind.Name, kind.Name+"/", matches) })
	}
	group.Wait()
	return slices.Concat(found...)
}
