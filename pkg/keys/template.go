package keys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Template is one key of the Secret: its name, and the text that renders its value.
type Template struct {
	name, text string
	file       bool // not a variable: the application reads a file of that name, or the key of a Secret
	optional   bool // left out where it renders to nothing, or to the usual value
	usual      string
}

// Variable returns the template of a variable whose name and text are known to be valid.
func Variable(name, text string) Template { return Template{name: name, text: text} }

func optional(name, text string) Template { return Template{name: name, text: text, optional: true} }
func unlessUsual(name, text, usual string) Template {
	return Template{name: name, text: text, optional: true, usual: usual}
}
func file(name, text string) Template { return Template{name: name, text: text, file: true} }

// Parse returns the template of a variable. It refuses what is not the name of a variable, and texts that cannot give a value.
func Parse(name, text string) (Template, error) {
	if err := checkName(name); err != nil {
		return Template{}, err
	}
	t := Variable(name, text)
	if err := t.check(); err != nil {
		return Template{}, fmt.Errorf("template of %s: %w", name, err)
	}
	return t, nil
}

// checkName accepts what Kubernetes accepts as the name of a variable, also with dots and dashes. It refuses the actions of a template.
func checkName(name string) error {
	if problems := validation.IsEnvVarName(name); len(problems) > 0 {
		return fmt.Errorf("invalid variable name %q: use letters, digits and underscores, as in DATABASE_URL", name)
	}
	return nil
}

// Name returns the name of the variable or file.
func (t Template) Name() string { return t.name }

// Text returns the text that was parsed.
func (t Template) Text() string { return t.text }

// File reports whether the application reads a file or a key of a Secret, and not a variable.
func (t Template) File() bool { return t.file }

// Alone returns the field of Values that is the whole value: "Password" for {{.Password}}. It is empty for every other text.
func (t Template) Alone() string {
	inner, opened := strings.CutPrefix(t.text, "{{.")
	field, closed := strings.CutSuffix(inner, "}}")
	if !opened || !closed || !slices.Contains(fieldNames(), field) {
		return ""
	}
	return field
}

// Optional reports whether the key can be left out.
func (t Template) Optional() bool { return t.optional }

// Usual returns the value with which the key is left out.
func (t Template) Usual() string { return t.usual }

// SameName reports whether both are templates of one key.
func (t Template) SameName(other Template) bool { return t.name == other.name }

// Render returns the value, or nothing if the template is left out. Errors do not contain any of the values.
func (t Template) Render(v Values) (string, error) {
	value, err := t.execute(v)
	if err != nil {
		// The cause can quote what it could not use, and so the password.
		return "", fmt.Errorf("template of %s: cannot be rendered with this login: check its functions and their arguments", t.name)
	}
	if t.optional && value == t.usual && (value == "" || !setByKubernetes(t.name, v.Host)) {
		return "", nil
	}
	if value == "" && !t.optional {
		return "", fmt.Errorf("template of %s: its value is empty: a binding has no empty variables", t.name)
	}
	return value, nil
}

// setByKubernetes reports whether Pods in the namespace of the host's Service have that variable: Kubernetes sets POSTGRES_PORT to
// tcp://10.96.0.1:5432 for a Service called postgres. A Secret takes precedence.
func setByKubernetes(variable, host string) bool {
	service, _, _ := strings.Cut(host, ".")
	return variable == strings.ToUpper(strings.ReplaceAll(service, "-", "_"))+"_PORT"
}

// RenderAll returns name and value of each template, without the optional ones that are empty.
func RenderAll(templates []Template, v Values) (map[string]string, error) {
	values := map[string]string{}
	for _, t := range templates {
		value, err := t.Render(v)
		if err != nil {
			return nil, err
		}
		if value != "" {
			values[t.name] = value
		}
	}
	return values, nil
}

// check refuses a text that does not parse, that uses what is not available, or that gives no value for a sample. The sample has no
// secret, so that errors can say everything.
func (t Template) check() error {
	parsed, err := t.parse()
	if err != nil {
		return err
	}
	if parsed.Tree == nil {
		return errors.New("it is empty")
	}
	if len(parsed.Templates()) > 1 {
		return errors.New("define and block are not available: use values, functions and if")
	}
	if err := check(parsed.Root); err != nil {
		return err
	}
	value, err := t.execute(Values{Host: "host", Username: "username", Password: "password", SSLMode: "require", CAPath: "/ca.crt"})
	if err != nil {
		return err
	}
	if value == "" && !t.optional {
		return errors.New("its value is empty")
	}
	return nil
}

func (t Template) parse() (*template.Template, error) {
	return template.New(t.name).Funcs(functions()).Parse(t.text)
}

func (t Template) execute(v Values) (string, error) {
	parsed, err := t.parse()
	if err != nil {
		return "", err
	}
	var value strings.Builder
	if err := parsed.Execute(&value, v.complete()); err != nil {
		return "", err
	}
	return value.String(), nil
}

// functions returns the functions of templates in addition to eq, ne, and, or, not. Their arguments may be numbers, such as .Port.
func functions() template.FuncMap {
	of := func(quote func(string) string) func(any) string {
		return func(value any) string { return quote(fmt.Sprint(value)) }
	}
	return template.FuncMap{
		"urlquery": of(escape), // replaces the one of text/template, which writes a space as a plus sign
		"dotnet":   of(quoteADO),
		"conninfo": of(quoteConninfo),
		"pgpass":   of(quotePgpass),
	}
}

func functionNames() []string {
	return []string{"urlquery", "dotnet", "conninfo", "pgpass", "eq", "ne", "and", "or", "not"}
}

func fieldNames() []string {
	return []string{
		"Host", "Port", "Database", "Username", "Password", "SSLMode", "CAPath", "URI", "JDBC", "Address", "ShortAddress", "Parameters",
	}
}

// check permits values, functions and if. Without loops and definitions, a template ends after its last word, and its errors are known
// before anything is written.
func check(node parse.Node) error {
	switch node := node.(type) {
	case *parse.ListNode:
		return checkAll(node.Nodes)
	case *parse.TextNode, *parse.CommentNode, *parse.StringNode, *parse.NumberNode:
		return nil
	case *parse.ActionNode:
		return check(node.Pipe)
	case *parse.IfNode:
		nodes := []parse.Node{node.Pipe, node.List}
		if node.ElseList != nil {
			nodes = append(nodes, node.ElseList)
		}
		return checkAll(nodes)
	case *parse.PipeNode:
		if len(node.Decl) > 0 {
			return fmt.Errorf("variables such as %s are not available", node.Decl[0])
		}
		return checkAll(node.Cmds)
	case *parse.CommandNode:
		return checkAll(node.Args)
	case *parse.FieldNode:
		if len(node.Ident) == 1 && slices.Contains(fieldNames(), node.Ident[0]) {
			return nil
		}
		return fmt.Errorf("unknown value %s: use .%s", node, strings.Join(fieldNames(), ", ."))
	case *parse.IdentifierNode:
		if slices.Contains(functionNames(), node.Ident) {
			return nil
		}
		return fmt.Errorf("function %s is not available: use %s", node.Ident, strings.Join(functionNames(), ", "))
	}
	return fmt.Errorf("%s is not available: use values, functions and if", node)
}

func checkAll[N parse.Node](nodes []N) error {
	for _, node := range nodes {
		if err := check(node); err != nil {
			return err
		}
	}
	return nil
}
