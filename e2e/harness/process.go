package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Process is a running command.
type Process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// Start starts the command. The caller must Wait for it. The end of the context kills it.
func (c *Command) Start(ctx context.Context) (*Process, error) {
	p := &Process{cmd: c.Cmd(ctx)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = strings.NewReader(c.stdin), &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return p, nil
}

// Signal sends the process a signal. kubectl replaces itself by the plugin, so the plugin gets it.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Wait waits for the end of the process. The exit code of a killed process is -1.
func (p *Process) Wait() (Result, error) {
	err := p.cmd.Wait()
	result := Result{Stdout: p.stdout.String(), Stderr: p.stderr.String(), Code: p.cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return result, fmt.Errorf("wait for kubectl: %w", err)
	}
	return result, nil
}
