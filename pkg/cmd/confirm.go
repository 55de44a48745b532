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

// confirm asks the user at the terminal to confirm the removal of that many items. Without a terminal, --yes is required.
func confirm(ctx context.Context, streams genericiooptions.IOStreams, number int) error {
	if !printers.IsTerminal(streams.In) {
		return errors.New("refusing to prune without confirmation: pass --yes, or run the command in a terminal")
	}
	fmt.Fprintf(streams.ErrOut, "Remove these %d? (y/n): ", number)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(streams.In).ReadString('\n') // a missing answer means no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
		return errors.New("nothing was pruned, because you did not confirm with y or yes")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
