package printers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// Proposal is what a command changes if the user agrees.
type Proposal struct {
	Verb          string // of the command
	Question      string
	Table         *metav1.Table
	WithNamespace bool
	DryRun        bool // the table is the result, and nobody is asked
	Yes           bool // nobody is asked
}

// Confirm prints the table of a proposal and asks the user at the terminal. It returns whether the command continues.
func (p *Proposal) Confirm(ctx context.Context, streams genericiooptions.IOStreams) (bool, error) {
	out := streams.ErrOut
	if p.DryRun {
		out = streams.Out
	}
	if err := PrintTable(out, p.Table, Options{WithNamespace: p.WithNamespace}); err != nil || p.DryRun {
		return false, err
	}
	if p.Yes {
		return true, nil
	}
	err := Confirm(ctx, streams, p.Verb, p.Question)
	return err == nil, err
}

// Confirm asks the user at the terminal a question before it does what the verb says. Without a terminal, --yes is required.
func Confirm(ctx context.Context, streams genericiooptions.IOStreams, verb, question string) error {
	if !printers.IsTerminal(streams.In) {
		return fmt.Errorf("refusing to %s without confirmation: pass --yes, or run the command in a terminal", verb)
	}
	yes, err := ask(ctx, streams, question)
	if err == nil && !yes {
		err = errors.New("nothing was changed, because you did not confirm with y or yes")
	}
	return err
}

// ConfirmName asks the user at the terminal to type the name of the object that is deleted with its data. Without a
// terminal, --yes is required.
func ConfirmName(ctx context.Context, streams genericiooptions.IOStreams, kind, name string) error {
	if !printers.IsTerminal(streams.In) {
		return fmt.Errorf("refusing to drop %s %q without confirmation: pass --yes, or run the command in a terminal", kind, name)
	}
	fmt.Fprintf(streams.ErrOut, "This drops %s %q and all data in it. Type its name to confirm: ", kind, name)
	line, err := readLine(ctx, streams)
	if err == nil && line != name {
		err = fmt.Errorf("nothing was dropped, because you did not type %q", name)
	}
	return err
}

// Asker returns a function that asks the user a question that yes or no answers. It is nil if the user is not at a
// terminal, as in a script.
func Asker(streams genericiooptions.IOStreams) func(ctx context.Context, question string) (bool, error) {
	if !CanAsk(streams) {
		return nil
	}
	return func(ctx context.Context, question string) (bool, error) { return ask(ctx, streams, question) }
}

// ask asks a question. A missing answer means no.
func ask(ctx context.Context, streams genericiooptions.IOStreams, question string) (bool, error) {
	fmt.Fprintf(streams.ErrOut, "%s (y/n): ", question)
	line, err := readLine(ctx, streams)
	line = strings.ToLower(line)
	return line == "y" || line == "yes", err
}

// readLine reads a line from the terminal.
func readLine(ctx context.Context, streams genericiooptions.IOStreams) (string, error) {
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(streams.In).ReadString('\n') // a missing answer means no
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
