package cmd

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

// Columns with a format of their own on a terminal.
const (
	stateColumn   = "State"
	commandColumn = "Fix"
)

// printTable prints a table like kubectl. A terminal gets the states in colour. If the lines are too long for the terminal, it gets one
// line for each cell, because a table with wrapped lines is hard to read.
func printTable(w io.Writer, table *metav1.Table, options printers.PrintOptions) error {
	table = shownTable(table)
	out := terminalOf(w)
	if !printers.IsTerminal(out) {
		return printers.NewTablePrinter(options).PrintObj(table, w)
	}
	headless := options.NoHeaders
	options.NoHeaders = false
	text := &strings.Builder{}
	if err := printers.NewTablePrinter(options).PrintObj(table, text); err != nil { // also adds the column NAMESPACE
		return err
	}
	lines := strings.Split(text.String(), "\n")
	p := palette(printers.AllowsColorOutput(out))
	var err error
	switch size := (term.TTY{Out: out}).GetSize(); {
	case size != nil && longest(lines) > int(size.Width):
		_, err = io.WriteString(w, rowByRow(table, options.Wide, int(size.Width), p))
	case headless:
		_, err = io.WriteString(w, strings.Join(p.column(lines, stateColumn)[1:], "\n"))
	default:
		_, err = io.WriteString(w, strings.Join(p.column(lines, stateColumn), "\n"))
	}
	return err
}

// shownTable makes control characters visible, because kubectl's printer passes some of them through.
func shownTable(table *metav1.Table) *metav1.Table {
	shownRows := *table
	shownRows.Rows = slices.Clone(table.Rows)
	for i, row := range shownRows.Rows {
		cells := make([]any, len(row.Cells))
		for n, cell := range row.Cells {
			if text, ok := cell.(string); ok {
				cell = shown(text)
			}
			cells[n] = cell
		}
		shownRows.Rows[i].Cells = cells
	}
	return &shownRows
}

// terminalOf returns the writer behind the console.
func terminalOf(w io.Writer) io.Writer {
	if c, ok := w.(*console); ok {
		return terminalOf(c.Writer)
	}
	return w
}

func longest(lines []string) int {
	length := 0
	for _, line := range lines {
		length = max(length, utf8.RuneCountInString(strings.TrimRight(line, " ")))
	}
	return length
}

// rowByRow prints each row as lines of a header and a cell, with an empty line between rows. It omits empty cells.
func rowByRow(table *metav1.Table, wide bool, width int, p palette) string {
	headers := 0
	for _, column := range table.ColumnDefinitions {
		headers = max(headers, len(column.Name))
	}
	indent := headers + 3
	var rows []string
	for _, row := range table.Rows {
		text := &strings.Builder{}
		for i, column := range table.ColumnDefinitions {
			cell := fmt.Sprint(row.Cells[i])
			if cell == "" || column.Priority > 0 && !wide {
				continue
			}
			switch column.Name {
			case stateColumn:
				cell = p.state(cell)
			case commandColumn: // not wrapped, so that it can be copied
			default:
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
