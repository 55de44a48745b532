package printers

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/term"
)

// Notify prints a line to standard error that --quiet does not turn off.
func Notify(streams genericiooptions.IOStreams, text string) {
	fmt.Fprintln(term.NewResponsiveWriter(terminalOf(streams.ErrOut)), Visible(text))
}

// CanAsk reports whether a person can read a question and answer it.
func CanAsk(streams genericiooptions.IOStreams) bool {
	return printers.IsTerminal(streams.In) && printers.IsTerminal(terminalOf(streams.ErrOut))
}

// Choose asks the user at the terminal to choose an option by its number, and returns its index.
func Choose(ctx context.Context, streams genericiooptions.IOStreams, question string, options []string) (int, error) {
	text := &strings.Builder{}
	fmt.Fprintf(text, "%s:\n", question)
	for i, option := range options {
		fmt.Fprintf(text, "  %d  %s\n", i+1, option)
	}
	fmt.Fprintf(streams.ErrOut, "%sChoose one (1-%d): ", Visible(text.String()), len(options))
	line, err := readLine(ctx, streams)
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(line)
	if err != nil || number < 1 || number > len(options) {
		return 0, fmt.Errorf("%q is not a number from 1 to %d: nothing was chosen", line, len(options))
	}
	return number - 1, nil
}
