package workload

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Type is a kind that can be bound, as the command line names it.
type Type struct {
	Name     string // singular, in lower case
	Resource schema.GroupVersionResource
	kind     string // as objects have it
}

// Types lists the kinds that can be bound, the usual ones first.
func Types() []Type {
	var types []Type
	for _, k := range kinds() {
		if k.gvk.Kind != "Job" {
			types = append(types, Type{Name: strings.ToLower(k.gvk.Kind), Resource: k.gvr(), kind: k.gvk.Kind})
		}
	}
	return types
}

// TypeFor returns the type that a word of the command line names: singular, plural or short, with or without the group. It asks no
// server, so that it serves where an answer has to be quick; ok is false where only a server can tell.
func TypeFor(word string) (found Type, ok bool) {
	short := map[string]string{
		"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "rc": "replicationcontroller",
		"cj": "cronjob", "po": "pod",
	}
	name, group, _ := strings.Cut(strings.ToLower(word), ".")
	types := Types()
	i := slices.IndexFunc(types, func(t Type) bool {
		return (name == t.Name || name == t.Resource.Resource || short[name] == t.Name) && (group == "" || group == t.Resource.Group)
	})
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

// FullName writes TYPE/NAME as String writes a workload's name, "deployment.apps/web", without asking a server; what is of no known type
// stays as it is.
func FullName(arg string) string {
	word, name, _ := strings.Cut(arg, "/")
	t, ok := TypeFor(word)
	if !ok {
		return arg
	}
	return qualifiedName(schema.GroupKind{Group: t.Resource.Group, Kind: t.Name}, name)
}
