package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fields is where the fields of an object are written.
type fields struct {
	file   string
	node   *yaml.Node
	prefix string // of the object itself, within a List
}

// at says where a field is. One that is not written is said to be where the object that lacks it is.
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

// name is the path as people write it: items[2].spec.access.
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

// pathOf reads a path as name writes it. A key of a map that has a dot in it becomes two parts, which name joins again.
func pathOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// child finds a part of a mapping or a sequence; key is where it begins.
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

// check finds what decoding would let pass: fields that are written twice, and keys that are no text. It keeps dates the texts that they are in JSON.
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
				errs = append(errs, fmt.Errorf("%s:%d: %s: the field is written twice, first in line %d", f.file, key.Line, f.name(append(path[:len(path):len(path)], key.Value)), line))
			}
			if key.ShortTag() != "!!str" {
				errs = append(errs, fmt.Errorf("%s:%d: %s: the field's name %q is no text", f.file, key.Line, f.name(path), key.Value))
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
