package harness

import (
	"fmt"
	"io"
	"os"
)

// Use makes a harness from the environment and calls use with it. The folders of its child processes are removed afterwards.
// The errors are those of ConfigFromEnv, New and use.
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

// RunTests has the tests of a package run with a harness, and returns the exit code. It writes to messages why there is no harness.
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
