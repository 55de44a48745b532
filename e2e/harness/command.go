package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Command is a command line of kubectl, or of the plugin itself. It has not run yet.
type Command struct {
	harness    *Harness
	program    string
	args       []string
	kubeconfig string
	stdin      string
	env        []string
	mirror     io.Writer
}

// Result is the output and the exit code of a command.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Kubectl is "kubectl args...".
func (h *Harness) Kubectl(args ...string) *Command {
	return h.command(h.config.Kubectl, args)
}

// Binary runs the plugin directly, without kubectl.
func (h *Harness) Binary(args ...string) *Command {
	return h.command(h.config.Plugin, args)
}

// OldBinary is the plugin of an earlier version.
func (h *Harness) OldBinary(args ...string) *Command {
	return h.command(h.config.OldPlugin, args)
}

// Tool is a tool that manages workloads, such as helm3.
func (h *Harness) Tool(name string, args ...string) *Command {
	return h.command(filepath.Join(h.config.Tools, name), args)
}

func (h *Harness) command(program string, args []string) *Command {
	return &Command{harness: h, program: program, args: args, kubeconfig: h.config.Kubeconfig, mirror: io.Discard}
}

// Pgbind is "kubectl pgbind args...".
func (h *Harness) Pgbind(args ...string) *Command {
	return h.Kubectl(append([]string{"pgbind"}, args...)...)
}

// Stdin sets the standard input of the command. By default it is empty.
func (c *Command) Stdin(text string) *Command {
	c.stdin = text
	return c
}

// Env adds variables, NAME=VALUE, to the command's environment.
func (c *Command) Env(variables ...string) *Command {
	c.env = append(c.env, variables...)
	return c
}

// As runs the command with another kubeconfig.
func (c *Command) As(kubeconfig string) *Command {
	c.kubeconfig = kubeconfig
	return c
}

// Mirror also shows the command's stderr on w while it runs.
func (c *Command) Mirror(w io.Writer) *Command {
	c.mirror = w
	return c
}

// String is the command line as a user would type it.
func (c *Command) String() string {
	return strings.Join(append([]string{filepath.Base(c.program)}, c.args...), " ")
}

// Cmd returns the command with a clean environment and without streams. It is not started.
func (c *Command) Cmd(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, c.args...) //nolint:gosec // the configured programs are what is to run
	cmd.Env = append([]string{"PATH=" + c.harness.path, "HOME=" + c.harness.home, "KUBECONFIG=" + c.kubeconfig}, c.env...)
	if folder, measured := os.LookupEnv("GOCOVERDIR"); measured {
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+folder)
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Run runs the command in a clean environment. An exit code other than 0 is a result; an error means that the
// command did not start or did not end before the context.
func (c *Command) Run(ctx context.Context) (Result, error) {
	cmd := c.Cmd(ctx)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &stdout, io.MultiWriter(&stderr, c.mirror)
	err := cmd.Run()
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return result, fmt.Errorf("%s: %w; stderr: %s", c, context.Cause(ctx), result.Stderr)
	}
	if err != nil && !errors.As(err, &exit) {
		return result, fmt.Errorf("%s: %w", c, err)
	}
	return result, nil
}

// Output runs the command and returns its stdout; an exit code other than 0 is an error that carries stderr.
func (c *Command) Output(ctx context.Context) (string, error) {
	result, err := c.Run(ctx)
	if err != nil {
		return "", err
	}
	if result.Code != 0 {
		return "", fmt.Errorf("%s: exit code %d: %s", c, result.Code, strings.TrimSpace(result.Stderr))
	}
	return result.Stdout, nil
}
