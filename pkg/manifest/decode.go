package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/kubectl-pgbind/kubectl-pgbind/docs"
)

// schemaName is only a name: nothing is fetched.
const schemaName = "binding.schema.json"

// decoder reads one file.
type decoder struct {
	file      string
	schema    *jsonschema.Schema
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

func compile() (*jsonschema.Schema, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(docs.BindingSchema))
	if err != nil {
		return nil, fmt.Errorf("read the schema of bindings: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaName, parsed); err != nil {
		return nil, fmt.Errorf("read the schema of bindings: %w", err)
	}
	return compiler.Compile(schemaName)
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
	if errs := d.validate(text, f); len(errs) > 0 {
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

// validate holds a binding against the schema.
func (d *decoder) validate(text []byte, f fields) []error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []error{fmt.Errorf("%s: %w", f.at(nil), err)}
	}
	var invalid *jsonschema.ValidationError
	if errors.As(d.schema.Validate(value), &invalid) {
		return f.explain(invalid)
	}
	return nil
}

// explain says what is wrong with which field.
func (f fields) explain(invalid *jsonschema.ValidationError) []error {
	var errs []error
	for _, cause := range invalid.Causes {
		errs = append(errs, f.explain(cause)...)
	}
	switch what := invalid.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range what.Properties {
			path := append(append([]string{}, invalid.InstanceLocation...), name)
			errs = append(errs, fmt.Errorf("%s: the field is unknown", f.at(path)))
		}
	default:
		if len(invalid.Causes) == 0 {
			text := what.LocalizedString(message.NewPrinter(language.English))
			errs = append(errs, fmt.Errorf("%s: %s", f.at(invalid.InstanceLocation), text))
		}
	}
	return errs
}
