package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// tailLines is how much of a failed tool's output goes into the error.
	tailLines = 15
	// stopLimit is the time between SIGTERM and SIGKILL.
	stopLimit = 10 * time.Second
)

// command describes one call of an outside tool.
type command struct {
	args  []string
	dir   string
	env   []string
	stdin io.Reader
}

// start prepares the process. Folders of the cache come first on PATH, and KUBECONFIG always names a file of its own: no tool can
// read or change the user's.
func (w *workspace) start(ctx context.Context, c command) *exec.Cmd {
	name := c.args[0]
	if own := filepath.Join(w.bin(), name); fileExists(own) {
		name = own
	}
	process := exec.CommandContext(ctx, name, c.args[1:]...) //nolint:gosec // every caller names its tool in a literal
	process.Dir = c.dir
	process.Stdin = c.stdin
	// An interrupted tool gets time to remove its mounts and containers.
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = stopLimit
	process.Env = append(os.Environ(),
		"PATH="+w.bin()+string(os.PathListSeparator)+os.Getenv("PATH"),
		"KUBECONFIG="+w.kubeconfig(),
		// The classic builder runs on every engine. BuildKit would ignore the engine's default runtime, see capability.go.
		"DOCKER_BUILDKIT=0")
	process.Env = append(process.Env, c.env...)
	return process
}

// output runs a short command and returns its trimmed output. The error contains its stderr.
func (w *workspace) output(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	process := w.start(ctx, command{args: args})
	process.Stdout, process.Stderr = &stdout, &stderr
	if err := process.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// logged runs a long command with its output in a file of the cache. The error contains the last lines and the name of the file.
func (w *workspace) logged(ctx context.Context, name string, c command) error {
	path := w.file("logs", name+".log")
	file, err := os.Create(path) //nolint:gosec // the name is a literal of the caller
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = file.Close() }()
	process := w.start(ctx, c)
	process.Stdout, process.Stderr = file, file
	if err := process.Run(); err != nil {
		return fmt.Errorf("%s: %w, its output is in %s and ends:\n%s", c.args[0], err, path, lastLines(path))
	}
	return nil
}

func lastLines(path string) string {
	content, err := os.ReadFile(path) //nolint:gosec // a log that this process wrote
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
