package permissions

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
)

// MissingError names all permissions that are missing, and the rules that grant them.
type MissingError struct {
	Missing []Permission
	Err     error // the refusal of the API server, if there was one
}

func (e *MissingError) Unwrap() error { return e.Err }

func (e *MissingError) Error() string {
	text := &strings.Builder{}
	if fmt.Fprintf(text, "%d permissions are missing", len(e.Missing)); len(e.Missing) == 1 {
		text.Reset()
		text.WriteString("a permission is missing")
	}
	if e.Err != nil {
		fmt.Fprintf(text, " (%v)", e.Err)
	}
	text.WriteString(". Ask an administrator to grant them by rules of a Role:")
	namespaces := sets.New[string]()
	for _, p := range e.Missing {
		namespaces.Insert(p.Namespace)
	}
	for _, namespace := range sets.List(namespaces) {
		fmt.Fprintf(text, "\n# in namespace %s; to list yours: kubectl auth can-i --list -n %[1]s", namespace)
		for _, rule := range e.rules(namespace) {
			text.WriteString("\n" + rule)
		}
	}
	return text.String()
}

// rules returns a rule for each resource of a namespace, as docs/effects.md writes them.
func (e *MissingError) rules(namespace string) (rules []string) {
	verbs := map[string][]string{}
	var order []Permission
	for _, p := range e.Missing {
		if key := p.Resource.String(); p.Namespace == namespace && !slices.Contains(verbs[key], p.Verb) {
			if len(verbs[key]) == 0 {
				order = append(order, p)
			}
			verbs[key] = append(verbs[key], p.Verb)
		}
	}
	for _, p := range order {
		rules = append(rules, fmt.Sprintf("- {apiGroups: [%s], resources: [%s], verbs: [%s]}",
			cmp.Or(p.Resource.Group, `""`), p.Resource.Resource, strings.Join(verbs[p.Resource.String()], ", ")))
	}
	return rules
}
