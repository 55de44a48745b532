package printers

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mitchellh/go-wordwrap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"
)

// Options are kubectl's options of a table.
type Options = printers.PrintOptions

// commandColumn is not wrapped, so that the command can be copied.
const commandColumn = "Fix"

// PrintTable prints a table like kubectl. If the lines of findings are too long for the terminal, it prints a line for
// each cell, because prose in a table with wrapped lines is hard to read.
func PrintTable(w io.Writer, table *metav1.Table, options Options) error {
	text := &strings.Builder{}
	if err := printers.NewTablePrinter(options).PrintObj(table, text); err != nil { // also adds the column NAMESPACE to the table
		return err
	}
	lines := Visible(text.String())
	prose := slices.ContainsFunc(table.ColumnDefinitions, func(c metav1.TableColumnDefinition) bool { return c.Name == commandColumn })
	if size := (term.TTY{Out: terminalOf(w)}).GetSize(); size != nil && prose && longest(lines) > int(size.Width) {
		lines = rowByRow(table, options.Wide, int(size.Width))
	}
	_, err := io.WriteString(w, lines)
	return err
}

// longest returns the length of the longest line.
func longest(text string) int {
	length := 0
	for line := range strings.Lines(text) {
		length = max(length, utf8.RuneCountInString(strings.TrimRight(line, " \n")))
	}
	return length
}

// rowByRow prints each row as lines of a header and a cell, with an empty line between rows. It omits empty cells.
func rowByRow(table *metav1.Table, wide bool, width int) string {
	headers := 0
	for _, column := range table.ColumnDefinitions {
		headers = max(headers, len(column.Name))
	}
	indent := headers + 3
	var rows []string
	for _, row := range table.Rows {
		text := &strings.Builder{}
		for i, column := range table.ColumnDefinitions {
			cell := Visible(fmt.Sprint(row.Cells[i]))
			if cell == "" || column.Priority > 0 && !wide {
				continue
			}
			if column.Name != commandColumn {
				cell = wrap(cell, width, indent)
			}
			fmt.Fprintf(text, "%-*s%s\n", indent, strings.ToUpper(column.Name), cell)
		}
		rows = append(rows, text.String())
	}
	return strings.Join(rows, "\n")
}

// wrap wraps a text between words to the width, with indented lines.
func wrap(text string, width, indent int) string {
	wrapped := wordwrap.WrapString(strings.Join(strings.Fields(text), " "), uint(max(width-indent, 1)))
	return strings.ReplaceAll(wrapped, "\n", "\n"+strings.Repeat(" ", indent))
}
