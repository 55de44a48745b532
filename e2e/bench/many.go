package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// The number of bindings that a command changes at once, and its limits.
const (
	several      = 200
	severalLimit = 15 * time.Second
	replicated   = 50
	restartLimit = 1.3 // times a plain restart of the same workloads
	restarts     = 3
)

// benchMany measures a rotation and an unbind of many bindings, whose workloads have no Pods.
func (b *bench) benchMany(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	if err := b.deploy(ctx, n, several, 0); err != nil {
		return err
	}
	var rotated, unbound []figures
	for range b.runs {
		if _, err := b.applyFile(ctx, fleet{[]*harness.Namespace{n}, several}); err != nil {
			return err
		}
		for _, command := range []struct {
			figures *[]figures
			args    []string
		}{{&rotated, []string{"rotate", "--all"}}, {&unbound, []string{"unbind", "--all", "--yes"}}} {
			taken, err := rested(n.Pgbind(command.args...).Cmd(ctx))
			if err != nil {
				return err
			}
			*command.figures = append(*command.figures, taken)
		}
		if err := b.settle(ctx, n); err != nil {
			return err
		}
	}
	r.within(fmt.Sprintf("rotate --all of %d bindings", several), median(rotated), severalLimit)
	r.within(fmt.Sprintf("unbind --all of %d bindings", several), median(unbound), severalLimit)
	return nil
}

// benchRestart compares a rotation with a plain restart of the same workloads, which have a Pod each.
func (b *bench) benchRestart(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	if err := b.deploy(ctx, n, replicated, 1); err != nil {
		return err
	}
	if err := b.restart(ctx, n).Run(); err != nil {
		return fmt.Errorf("restart %d workloads: %w", replicated, err)
	}
	if _, err := b.applyFile(ctx, fleet{[]*harness.Namespace{n}, replicated}); err != nil {
		return err
	}
	// Waits for the Pods of the bind.
	if err := b.restart(ctx, n).Run(); err != nil {
		return fmt.Errorf("restart %d workloads: %w", replicated, err)
	}
	var rotated, restarted []figures
	for range restarts {
		with, err := rested(n.Pgbind("rotate", "--all", "--timeout=10m").Cmd(ctx))
		if err != nil {
			return err
		}
		without, err := rested(b.restart(ctx, n))
		if err != nil {
			return err
		}
		rotated, restarted = append(rotated, with), append(restarted, without)
	}
	r.compare(comparison{
		what: fmt.Sprintf("rotate --all of %d bindings with a Pod each", replicated), took: median(rotated),
		against: "kubectl rollout restart, until it is done", other: median(restarted), limit: restartLimit,
	})
	return nil
}

// restart returns a command that restarts all Deployments of a namespace, and waits for them.
func (b *bench) restart(ctx context.Context, n *harness.Namespace) *exec.Cmd {
	kubectl := n.Kubectl().Cmd(ctx)
	const both = `"$0" "$@" rollout restart deployment --selector=bench && "$0" "$@" rollout status deployment --selector=bench --timeout=10m`
	cmd := exec.CommandContext(ctx, "sh", slices.Concat([]string{"-c", both}, kubectl.Args)...) //nolint:gosec // our own script
	cmd.Env = kubectl.Env
	return cmd
}

// applyFile applies the bindings of a fleet whose workloads exist, and does not wait for their rollouts.
func (b *bench) applyFile(ctx context.Context, f fleet) (figures, error) {
	file := filepath.Join(b.dir, "bindings.yaml")
	if err := os.WriteFile(file, []byte(f.bindings()), 0o600); err != nil {
		return figures{}, fmt.Errorf("write the bindings: %w", err)
	}
	return rested(b.Pgbind("apply", "--filename="+file, "--wait=false").Cmd(ctx))
}

// look measures a command that only reads and finds nothing, once for each run.
func (b *bench) look(ctx context.Context, command *harness.Command) ([]figures, error) {
	var taken []figures
	for range b.runs {
		f, err := measured(command.Cmd(ctx))
		if err != nil {
			return nil, err
		}
		taken = append(taken, f)
	}
	return taken, nil
}

// bindEach binds Deployments one after the other, and measures each bind.
func (b *bench) bindEach(ctx context.Context, n *harness.Namespace, number int, flags ...string) ([]figures, error) {
	var taken []figures
	for i := range number {
		args := slices.Concat([]string{"deployment/" + deploymentName(i), "--wait=false"}, flags)
		f, err := measured(n.Pgbind(args...).Cmd(ctx))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("bind %d", i), err)
		}
		taken = append(taken, f)
	}
	return taken, nil
}
