package cmd

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// bindable excludes objects with a controller, which would revert a change.
func bindable(object *metav1.PartialObjectMetadata) bool {
	return metav1.GetControllerOf(object) == nil
}

// bound reports whether a workload has the annotation of a binding. ReplicaSets inherit it from their Deployment and are excluded.
func bound(object *metav1.PartialObjectMetadata) bool {
	return bindable(object) && len(credentials.AnnotationsOf(object.Annotations)) > 0
}

// bindableWorkload completes TYPE/NAME: first the types that can be bound, then the names of a type.
func (c *completer) bindableWorkload(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 && !strings.Contains(typed, "/") {
		if kinds := startingWith(typed, typeNames()); len(kinds) > 0 {
			for i := range kinds {
				kinds[i] += "/"
			}
			return kinds, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}
	}
	return c.workload(bindable)(cmd, args, typed)
}

// workload completes TYPE/NAME and TYPE NAME with the workloads that match the filter.
func (c *completer) workload(filter func(*metav1.PartialObjectMetadata) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		var names []string
		if len(args) > 0 && !strings.Contains(args[0], "/") {
			names = c.namesOf(ctx, args[0], "", filter)
		} else if kind, _, ok := strings.Cut(typed, "/"); ok {
			names = c.namesOf(ctx, kind, kind+"/", filter)
		} else {
			names = c.namesOfAll(ctx, filter)
		}
		given := func(name string) bool { return slices.Contains(args, name) }
		return slices.DeleteFunc(startingWith(typed, names), given), cobra.ShellCompDirectiveNoFileComp
	}
}

// namesOf lists the workloads of the type, each with the prefix.
func (c *completer) namesOf(ctx context.Context, word, prefix string, filter func(*metav1.PartialObjectMetadata) bool) []string {
	kind, ok := workload.TypeFor(word)
	if !ok {
		return nil
	}
	var names []string
	for _, object := range c.list(ctx, kind.Resource, metav1.ListOptions{}) {
		if filter(&object) {
			names = append(names, prefix+object.Name)
		}
	}
	return names
}

// namesOfAll lists the workloads of all types as TYPE/NAME. It requests all types in parallel.
func (c *completer) namesOfAll(ctx context.Context, filter func(*metav1.PartialObjectMetadata) bool) []string {
	kinds := workload.Types()
	found := make([][]string, len(kinds))
	var group sync.WaitGroup
	for i, kind := range kinds {
		group.Go(func() { found[i] = c.namesOf(ctx, kind.Name, kind.Name+"/", filter) })
	}
	group.Wait()
	return slices.Concat(found...)
}

func typeNames() []string {
	var names []string
	for _, t := range workload.Types() {
		names = append(names, t.Name)
	}
	return names
}
