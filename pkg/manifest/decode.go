package manifest

import (
	"cmp"
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

// schema is the published schema of bindings.
type schema struct {
	validator *validate.SchemaValidator
	fields    description
}

// decoder decodes one file.
type decoder struct {
	file      string
	schema    *schema
	documents []*Document
	errs      []error
}

// decode decodes every document of a file.
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
		// Skip a document that contains only comments.
		if root := document.Content[0]; root.Tag != "!!null" {
			d.add(fields{file: d.file, node: root})
		}
	}
}

// newSchema reads the published schema. Its validator is the code with which the API server validates custom resources.
func newSchema() (*schema, error) {
	published, s := &spec.Schema{}, &schema{}
	if err := errors.Join(json.Unmarshal(docs.BindingSchema, published), json.Unmarshal(docs.BindingSchema, &s.fields)); err != nil {
		return nil, fmt.Errorf("read the schema of bindings: %w", err)
	}
	s.validator = validate.NewSchemaValidator(published, nil, "", strfmt.Default)
	return s, nil
}

// description is what the schema says about a value, for people.
type description struct {
	Title      string                 `json:"title"`
	Examples   []string               `json:"examples"`
	Properties map[string]description `json:"properties"`
}

// rule returns the rule for the value of a field in words, or an empty string if the schema describes none. A pattern is for programs.
func (d description) rule(path []string) string {
	for _, name := range path {
		d = d.Properties[name]
	}
	if d.Title == "" || len(d.Examples) == 0 {
		return ""
	}
	return fmt.Sprintf("must be %s, for example %s", d.Title, d.Examples[0])
}

// add adds a binding, or the bindings of a List.
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
			d.errs = append(d.errs, fmt.Errorf("%s: must be a list", f.at([]string{"items"})))
		case key.Value != "apiVersion" && key.Value != "kind" && key.Value != "metadata":
			d.errs = append(d.errs, fmt.Errorf("%s: unknown field", f.at([]string{key.Value})))
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

// validate validates a binding against the schema and returns an error for each invalid field.
func (d *decoder) validate(value any, f fields) []error {
	var errs []error
	found := d.schema.validator.Validate(value).Errors
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, err := range found {
		invalid, ok := errors.AsType[*validation.Validation](err)
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %w", f.at(nil), err))
			continue
		}
		path, message := pathOf(invalid.Name), strings.TrimPrefix(invalid.Error(), invalid.Name+" in "+invalid.In+" ")
		switch invalid.Code() {
		case validation.UnallowedPropertyCode:
			path, message = append(path, fmt.Sprint(invalid.Value)), "unknown field"
		case validation.InvalidTypeCode:
			want, _, _ := strings.Cut(message, ": ")
			message = cmp.Or(d.schema.fields.rule(path), fmt.Sprintf("%s, not %v", want, invalid.Value))
		case validation.PatternFailCode:
			message = cmp.Or(d.schema.fields.rule(path), message)
		}
		errs = append(errs, fmt.Errorf("%s: %s", f.at(path), message))
	}
	return errs
}
