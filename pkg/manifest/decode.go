package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	validation "k8s.io/kube-openapi/pkg/validation/errors"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"

	"github.com/kubectl-pgbind/kubectl-pgbind/docs"
)

// decoder reads one file.
type decoder struct {
	file      string
	schema    *validate.SchemaValidator
	documents []*Document
	errs      []error
}

// decode reads every document of a file.
func (d *decoder) decode(from io.Reader) error {
	stream := yaml.NewDecoder(from)
	for {
		var document yaml.Node
		err := stream.Decode(&document)
		if errors.Is(err, io.EOF) {
			return errors.Join(d.errs...)
		}
		if err != nil {
			return errors.Join(append(d.errs, fmt.Errorf("%s: %w", d.file, err))...)
		}
		// A document of comments alone is none.
		if root := document.Content[0]; root.Tag != "!!null" {
			d.add(fields{file: d.file, node: root})
		}
	}
}

// newValidator reads the published schema, as the API server reads that of a custom resource.
func newValidator() (*validate.SchemaValidator, error) {
	schema := &spec.Schema{}
	if err := json.Unmarshal(docs.BindingSchema, schema); err != nil {
		return nil, fmt.Errorf("read the schema of bindings: %w", err)
	}
	return validate.NewSchemaValidator(schema, nil, "", strfmt.Default), nil
}

// add takes a binding, or a List of them.
func (d *decoder) add(f fields) {
	if _, kind := child(f.node, "kind"); kind == nil || kind.Value != "List" {
		d.addBinding(f)
		return
	}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		key, value := f.node.Content[i], f.node.Content[i+1]
		switch {
		case key.Value == "items" && value.Kind == yaml.SequenceNode:
			for n, item := range value.Content {
				d.addBinding(fields{file: d.file, node: item, prefix: "items[" + strconv.Itoa(n) + "]"})
			}
		case key.Value == "items":
			d.errs = append(d.errs, fmt.Errorf("%s: it must be a list", f.at([]string{"items"})))
		case key.Value != "apiVersion" && key.Value != "kind" && key.Value != "metadata":
			d.errs = append(d.errs, fmt.Errorf("%s: the field is unknown", f.at([]string{key.Value})))
		}
	}
}

func (d *decoder) addBinding(f fields) {
	if errs := f.check(f.node, nil); len(errs) > 0 {
		d.errs = append(d.errs, errs...)
		return
	}
	var value any
	if err := f.node.Decode(&value); err != nil {
		d.errs = append(d.errs, fmt.Errorf("%s: %w", d.file, err))
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		d.errs = append(d.errs, fmt.Errorf("%s: %w", f.at(nil), err))
		return
	}
	if err := json.Unmarshal(text, &value); err != nil {
		d.errs = append(d.errs, fmt.Errorf("%s: %w", f.at(nil), err))
		return
	}
	if errs := d.validate(value, f); len(errs) > 0 {
		d.errs = append(d.errs, errs...)
		return
	}
	document := &Document{fields: f}
	if err := json.Unmarshal(text, &document.Binding); err != nil {
		d.errs = append(d.errs, fmt.Errorf("%s: %w", f.at(nil), err))
		return
	}
	d.documents = append(d.documents, document)
}

// validate holds a binding against the schema, and says what is wrong with which field.
func (d *decoder) validate(value any, f fields) []error {
	var errs []error
	found := d.schema.Validate(value).Errors
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, err := range found {
		invalid, ok := errors.AsType[*validation.Validation](err)
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %w", f.at(nil), err))
			continue
		}
		path, said := pathOf(invalid.Name), strings.TrimPrefix(invalid.Error(), invalid.Name+" in "+invalid.In+" ")
		switch invalid.Code() {
		case validation.UnallowedPropertyCode:
			path, said = append(path, fmt.Sprint(invalid.Value)), "the field is unknown"
		case validation.InvalidTypeCode:
			want, _, _ := strings.Cut(said, ": ")
			said = fmt.Sprintf("it %s, not %v", want, invalid.Value)
		default:
			said = "it " + said
		}
		errs = append(errs, fmt.Errorf("%s: %s", f.at(path), said))
	}
	return errs
}
