package workload

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/similar"
)

// CheckArgs rejects arguments that do not name workloads as TYPE/NAME... or TYPE NAME.... It sends no request.
func CheckArgs(args []string) error {
	if len(args) == 0 {
		return errors.New("workload required: name it as TYPE/NAME, for example deployment/web")
	}
	if len(args) == 1 && !strings.Contains(args[0], "/") {
		return checkWord(args[0])
	}
	words := 0 // arguments without a slash
	for _, arg := range args {
		word, name, slash := strings.Cut(arg, "/")
		switch {
		case arg == "":
			return errors.New("an argument is empty: name each workload as TYPE/NAME, for example deployment/web")
		case !slash:
			words++
		case word == "" && name != "" && !strings.Contains(name, "/"):
			return fmt.Errorf("%q is not in the form TYPE/NAME: did you mean deployment/%s?", arg, name)
		case word != "" && name == "":
			return fmt.Errorf("workload name required: use %s/NAME", word)
		case word == "" || strings.Contains(name, "/"):
			return fmt.Errorf("%q is not in the form TYPE/NAME", arg)
		}
	}
	if words > 0 && words < len(args) {
		i := slices.IndexFunc(args, func(arg string) bool { return !strings.Contains(arg, "/") })
		return fmt.Errorf("%q is not in the form TYPE/NAME: use that form for every workload", args[i])
	}
	return nil
}

// checkWord returns the error about an only argument that is not in the form TYPE/NAME.
func checkWord(word string) error {
	_, isType := TypeFor(word)
	similarTo, mistyped := similarType(word)
	switch {
	case word == "":
		return errors.New("the workload is empty: name it as TYPE/NAME, for example deployment/web")
	case isType || strings.Contains(word, "."):
		return fmt.Errorf("workload name required: use %s/NAME", word)
	case mistyped:
		return fmt.Errorf("%q is not in the form TYPE/NAME: did you mean %s/NAME?", word, similarTo)
	}
	return fmt.Errorf("%q is not in the form TYPE/NAME: did you mean deployment/%[1]s?", word)
}

// suggestType returns the end of the error about a type that the API server does not know: the argument with the type that it can mean.
func suggestType(args []string, err error) string {
	for i, arg := range args {
		word, name, slash := strings.Cut(arg, "/")
		if !slash && i == 0 && len(args) > 1 {
			name = args[1]
		}
		t, ok := similarType(word)
		if ok && strings.Contains(err.Error(), fmt.Sprintf("doesn't have a resource type %q", word)) {
			return fmt.Sprintf(": did you mean %s/%s?", t, name)
		}
	}
	return ""
}

// similarType returns the name of the known type that a mistyped word can mean. A word with a group, and the type of such a word, are left
// to the API server. ok is false if there is none, or if the word is a known type itself.
func similarType(word string) (name string, ok bool) {
	if _, known := TypeFor(word); known || strings.Contains(word, ".") {
		return "", false
	}
	types := map[string]string{}
	var words []string
	for _, t := range append(Types(), customTypes()...) {
		if t.needsGroup {
			continue
		}
		types[t.Name], types[t.Resource.Resource] = t.Name, t.Name
		words = append(words, t.Name, t.Resource.Resource)
	}
	for short, name := range shortNames() {
		types[short] = name
		words = append(words, short)
	}
	slices.Sort(words)
	found := similar.Names(word, words)
	if len(found) == 0 {
		return "", false
	}
	return types[found[0]], true
}

// Number returns how many workloads arguments name at least: TYPE1,TYPE2 NAME can name more.
func Number(args []string) int {
	if len(args) > 0 && !strings.Contains(args[0], "/") {
		return len(args) - 1
	}
	return len(args)
}
