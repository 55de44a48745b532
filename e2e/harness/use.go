package harness

import (
	"fmt"
	"io"
	"os"
)

// Use creates a harness from the environment and calls use with it. Then it removes the folders of the child processes.
// Errors come from ConfigFromEnv, New and use.
func Use(use func(h *Harness) error) error {
	config, err := ConfigFromEnv()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pgbind-")
	if err != nil {
		return fmt.Errorf("make a folder for the children: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	h, err := New(config, dir)
	if err != nil {
		return err
	}
	return use(h)
}

// RunTests runs the tests of a package with a harness, and returns the exit code. Without a harness, it writes the reason to messages.
func RunTests(messages io.Writer, run func(h *Harness) int) (code int) {
	err := Use(func(h *Harness) error {
		code = run(h)
		return nil
	})
	if err != nil {
		_, _ = fmt.Fprintln(messages, "error:", err)
		return 1
	}
	return code
}
