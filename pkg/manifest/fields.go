package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fields maps the fields of an object to their lines in the file.
type fields struct {
	file   string
	node   *yaml.Node
	prefix string // path of the object within a List
}

// at returns the position of a field. A missing field is reported at the object that should have it.
func (f fields) at(path []string) string {
	line := f.node.Line
	node := f.node
	for _, name := range path {
		key, value := child(node, name)
		if value == nil {
			break
		}
		node, line = value, key.Line
	}
	at := fmt.Sprintf("%s:%d", f.file, line)
	if name := f.name(path); name != "" {
		at += ": " + name
	}
	return at
}

// name returns the path in the usual form: items[2].spec.access.
func (f fields) name(path []string) string {
	name := f.prefix
	for _, part := range path {
		if _, err := strconv.Atoi(part); err == nil {
			name += "[" + part + "]"
			continue
		}
		name += "." + part
	}
	return strings.TrimPrefix(name, ".")
}

// pathOf splits a path in the form that name returns. A map key that contains a dot becomes two parts, which name joins again.
func pathOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// child returns an element of a mapping or a sequence; key is the node at which it starts.
func child(parent *yaml.Node, name string) (key, value *yaml.Node) {
	for parent.Kind == yaml.AliasNode {
		parent = parent.Alias
	}
	switch parent.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(parent.Content); i += 2 {
			if parent.Content[i].Value == name {
				return parent.Content[i], parent.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i < len(parent.Content) {
			return parent.Content[i], parent.Content[i]
		}
	}
	return nil, nil
}

// check finds mistakes that decoding ignores: duplicate fields, and keys that are not strings. It also turns dates into strings,
// which is what they are in JSON.
func (f fields) check(node *yaml.Node, path []string) []error {
	if node.Tag == "!!timestamp" {
		node.Tag = "!!str"
	}
	var errs []error
	below := func(name string, value *yaml.Node) {
		errs = append(errs, f.check(value, append(path[:len(path):len(path)], name))...)
	}
	switch node.Kind {
	case yaml.MappingNode:
		first := map[string]int{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if line, again := first[key.Value]; again {
				errs = append(errs, fmt.Errorf("%s:%d: %s: duplicate field, first set in line %d",
					f.file, key.Line, f.name(append(path[:len(path):len(path)], key.Value)), line))
			}
			if key.ShortTag() != "!!str" {
				errs = append(errs, fmt.Errorf("%s:%d: %s: the field name %q is not a string", f.file, key.Line, f.name(path), key.Value))
			}
			first[key.Value] = key.Line
			below(key.Value, node.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			below(strconv.Itoa(i), item)
		}
	}
	return errs
}
