package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// forward is a running kubectl port-forward to the database.
type forward struct {
	cmd  *exec.Cmd
	port int // of this machine
}

// startForward starts kubectl port-forward on a free port, and waits until it listens.
func startForward(ctx context.Context, n *harness.Namespace) (*forward, error) {
	cmd := n.Kubectl("port-forward", "--address=127.0.0.1", "service/"+lesson.DatabaseService, ":5432").Cmd(ctx)
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("read the output of kubectl port-forward: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kubectl port-forward: %w", err)
	}
	f := &forward{cmd: cmd}
	lines := bufio.NewScanner(output)
	listens := regexp.MustCompile(`^Forwarding from 127\.0\.0\.1:(\d+) `)
	for lines.Scan() {
		if match := listens.FindStringSubmatch(lines.Text()); match != nil {
			if f.port, err = strconv.Atoi(match[1]); err != nil {
				return nil, errors.Join(err, f.stop())
			}
			go func() {
				for lines.Scan() { // It writes a line for each connection.
				}
			}()
			return f, nil
		}
	}
	return nil, errors.Join(errors.New("kubectl port-forward ended before it listened"), lines.Err(), f.stop())
}

// stop ends kubectl port-forward. That it was killed is no error.
func (f *forward) stop() error {
	if err := f.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("end kubectl port-forward: %w", err)
	}
	_ = f.cmd.Wait()
	return nil
}
