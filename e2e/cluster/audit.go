package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// printAuditLog writes what the API server has logged so far.
func (w *workspace) printAuditLog(ctx context.Context, to io.Writer) error {
	process := w.start(ctx, command{args: []string{"docker", "exec", w.nodeContainer(), "cat", auditLog}})
	process.Stdout = to
	if err := process.Run(); err != nil {
		return fmt.Errorf("reading the audit log of cluster %s (is it up?): %w", w.cluster, err)
	}
	return nil
}

// requireAuditLog fails if the API server writes no audit log: kind ignores a patch that it does not understand.
func (w *workspace) requireAuditLog(ctx context.Context) error {
	if _, err := w.output(ctx, "kubectl", "--kubeconfig", w.kubeconfig(), "get", "namespaces"); err != nil {
		return err
	}
	size, err := w.output(ctx, "docker", "exec", w.nodeContainer(), "stat", "--format", "%s", auditLog)
	if err != nil {
		return err
	}
	if size == "0" {
		return errors.New("the API server's audit log is empty: look at the patches in kind's configuration")
	}
	return nil
}

// nodeContainer is kind's name for the container of the only node.
func (w *workspace) nodeContainer() string { return w.cluster + "-control-plane" }
