package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// confirm asks the user at the terminal whether that many things shall go; without one, only --yes is an answer. No consent is an error.
func confirm(ctx context.Context, streams genericiooptions.IOStreams, number int) error {
	if !printers.IsTerminal(streams.In) {
		return errors.New("nothing is pruned without an answer: say --yes, or run it on a terminal")
	}
	fmt.Fprintf(streams.ErrOut, "Remove these %d? (y/n): ", number)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(streams.In).ReadString('\n') // no answer is no consent
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
		return errors.New("nothing is pruned: the answer was not yes")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
