package printers

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/util/jsonpath"
)

// columnsPrinter writes a row for each object of a list. kubectl's own is in its package cmd/get, whose import loads all translations of
// kubectl and takes a fifth more processor time at each start of the program.
type columnsPrinter struct {
	headers   []string
	paths     []*jsonpath.JSONPath
	noHeaders bool
}

// NewColumnsPrinter returns the printer of custom-columns=HEADER:PATH,... A path does not need braces and a leading dot.
func NewColumnsPrinter(spec string, noHeaders bool) (printers.ResourcePrinter, error) {
	p := &columnsPrinter{noHeaders: noHeaders}
	for column := range strings.SplitSeq(spec, ",") {
		header, path, ok := strings.Cut(column, ":")
		if !ok || header == "" || path == "" {
			return nil, fmt.Errorf(
				"invalid column %q: use HEADER:PATH, for example -o custom-columns=ROLE:.status.role,DATABASE:.spec.dbname",
				column,
			)
		}
		path = strings.TrimSuffix(strings.TrimPrefix(path, "{"), "}")
		parsed := jsonpath.New(header).AllowMissingKeys(true)
		if err := parsed.Parse("{." + strings.TrimPrefix(path, ".") + "}"); err != nil {
			return nil, fmt.Errorf("read the path of column %q: %w", header, err)
		}
		p.headers, p.paths = append(p.headers, header), append(p.paths, parsed)
	}
	return p, nil
}

// PrintObj implements printers.ResourcePrinter.
func (p *columnsPrinter) PrintObj(object runtime.Object, w io.Writer) error {
	out := printers.GetNewTabWriter(w)
	if !p.noHeaders {
		fmt.Fprintln(out, strings.Join(p.headers, "\t"))
	}
	list, ok := object.(*unstructured.UnstructuredList)
	if !ok {
		return fmt.Errorf("%T cannot be printed in columns", object)
	}
	for _, item := range list.Items {
		cells := make([]string, len(p.paths))
		for i, path := range p.paths {
			cell, err := cellOf(path, item.Object)
			if err != nil {
				return fmt.Errorf("find column %q: %w", p.headers[i], err)
			}
			cells[i] = cell
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	return out.Flush()
}

// cellOf returns everything that the path matches.
func cellOf(path *jsonpath.JSONPath, fields map[string]any) (string, error) {
	results, err := path.FindResults(fields)
	if err != nil {
		return "", err
	}
	var found []string
	for _, values := range results {
		for _, value := range values {
			found = append(found, Visible(fmt.Sprint(value.Interface())))
		}
	}
	if len(found) == 0 {
		return "<none>", nil
	}
	return strings.Join(found, ","), nil
}
