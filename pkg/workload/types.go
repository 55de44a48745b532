package workload

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Type is a kind that can be bound, under its names on the command line.
type Type struct {
	Name     string // singular, in lower case
	Resource schema.GroupVersionResource
	kind     string // as in the kind field
	// needsGroup means that a built-in kind has the same name.
	needsGroup bool
}

// Types returns the built-in kinds that can be bound, the most common first.
func Types() []Type {
	var types []Type
	for _, k := range kinds() {
		if k.gvk.Kind != "Job" {
			types = append(types, Type{Name: strings.ToLower(k.gvk.Kind), Resource: k.gvr(), kind: k.gvk.Kind})
		}
	}
	return types
}

// customTypes returns the known kinds that are not built in.
func customTypes() []Type {
	var types []Type
	for _, k := range customKinds() {
		shared := slices.Contains([]string{"Service", "StatefulSet", "DaemonSet"}, k.gvk.Kind)
		types = append(types, Type{Name: strings.ToLower(k.gvk.Kind), Resource: k.gvr(), kind: k.gvk.Kind, needsGroup: shared})
	}
	return types
}

// TypeFor returns the type for a word on the command line: singular, plural or short, with or without the group. It sends no request, so
// it is quick; ok is false if only the API server knows the type.
func TypeFor(word string) (found Type, ok bool) {
	short := shortNames()
	name, group, _ := strings.Cut(strings.ToLower(word), ".")
	types := append(Types(), customTypes()...)
	i := slices.IndexFunc(types, func(t Type) bool {
		return (name == t.Name || name == t.Resource.Resource || short[name] == t.Name) &&
			(group == t.Resource.Group || group == "" && !t.needsGroup)
	})
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

// shortNames returns the types that have a short name, by that name.
func shortNames() map[string]string {
	return map[string]string{
		"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "rc": "replicationcontroller",
		"cj": "cronjob", "po": "pod", "ro": "rollout", "dc": "deploymentconfig",
	}
}

// FullName returns the name for TYPE/NAME in the form of Workload.String, "deployment.apps/web". It sends no request; a name of an unknown
// type stays unchanged.
func FullName(arg string) string {
	word, name, _ := strings.Cut(arg, "/")
	t, ok := TypeFor(word)
	if !ok {
		return arg
	}
	return QualifiedName(schema.GroupKind{Group: t.Resource.Group, Kind: t.Name}, name)
}

// ShortName returns the name of a workload without the API group, as a user types it: deployment/web. It keeps the
// group if another kind has the same name, and if the kind is not known.
func ShortName(fullName string) string {
	word, name, _ := strings.Cut(fullName, "/")
	t, ok := TypeFor(word)
	if !ok || t.needsGroup {
		return fullName
	}
	return t.Name + "/" + name
}

// ResourceOf returns the resource and the name that an argument names. The resource is the word itself if its kind is not known.
func ResourceOf(arg string) (schema.GroupResource, string) {
	word, name, _ := strings.Cut(arg, "/")
	if t, ok := TypeFor(word); ok {
		return t.Resource.GroupResource(), name
	}
	return schema.ParseGroupResource(word), name
}
