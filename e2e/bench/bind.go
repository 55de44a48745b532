package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

//go:embed lesson.sh
var lessonScript string

// The contenders of a fresh bind.
const (
	script     = "the lesson's script"
	scriptTest = "the lesson's script with its test Pod"
	plugin     = "kubectl pgbind"
	binary     = "kubectl-pgbind"
	floor      = "the floor"
)

// benchBind measures fresh binds. Each binds another Deployment.
func (b *bench) benchBind(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	contenders := b.binders(n)
	if err := b.deploy(ctx, n, len(contenders)*(b.runs+1), 0); err != nil {
		return err
	}
	found, err := b.alternate(ctx, contenders...)
	if err != nil {
		return err
	}
	for _, goal := range []struct {
		what, against string
		limit         float64
	}{{plugin, script, 0.75}, {plugin, scriptTest, 0.1}, {binary, floor, 1.3}} {
		r.compare(comparison{
			what: "a fresh bind, " + goal.what, took: median(found[goal.what]),
			against: goal.against, other: median(found[goal.against]), limit: goal.limit,
		})
	}
	return nil
}

// binders returns the contenders that bind the Deployments of a namespace. Every round uses the next Deployments.
func (b *bench) binders(n *harness.Namespace) []contender {
	ways := []struct {
		name    string
		command func(ctx context.Context, deployment, role string) *exec.Cmd
	}{
		{script, func(ctx context.Context, deployment, role string) *exec.Cmd {
			return b.lesson(ctx, n.Name, deployment, role, rand.Text())
		}},
		{scriptTest, func(ctx context.Context, deployment, role string) *exec.Cmd {
			return b.lesson(ctx, n.Name, deployment, role, rand.Text(), "test")
		}},
		{plugin, func(ctx context.Context, deployment, _ string) *exec.Cmd {
			return n.Pgbind("deployment/"+deployment, "--wait=false").Cmd(ctx)
		}},
		{binary, func(ctx context.Context, deployment, _ string) *exec.Cmd {
			return b.Binary("deployment/"+deployment, "--wait=false", "--namespace="+n.Name).Cmd(ctx)
		}},
		{floor, func(ctx context.Context, deployment, role string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, b.floor, n.Name, deployment, role) //nolint:gosec // our own program
			cmd.Env = b.Kubectl().Cmd(ctx).Env
			return cmd
		}},
	}
	contenders := make([]contender, len(ways))
	for i, way := range ways {
		contenders[i] = contender{way.name, func(ctx context.Context, round int) *exec.Cmd {
			number := round*len(ways) + i
			return way.command(ctx, deploymentName(number), fmt.Sprintf("bench-%d", number))
		}}
	}
	return contenders
}

// lesson returns the script, with kubectl on its PATH.
func (b *bench) lesson(ctx context.Context, args ...string) *exec.Cmd {
	kubectl := b.Kubectl().Cmd(ctx)
	cmd := exec.CommandContext(ctx, "sh", append([]string{b.script}, args...)...) //nolint:gosec // our own script
	cmd.Env = slices.Concat(kubectl.Env, []string{"PATH=" + filepath.Dir(kubectl.Path) + ":/usr/bin:/bin"})
	return cmd
}

// benchStart measures the start of a program that does nothing.
func (b *bench) benchStart(ctx context.Context, r *report) error {
	const other = "kubectl version --client"
	of := func(name string, command *harness.Command) contender {
		return contender{name, func(ctx context.Context, _ int) *exec.Cmd { return command.Cmd(ctx) }}
	}
	found, err := b.alternate(
		ctx, of(other, b.Kubectl("version", "--client")), of("version", b.Binary("version")),
		of("--help", b.Binary("--help")),
	)
	if err != nil {
		return err
	}
	for _, what := range []string{"version", "--help"} {
		r.compare(comparison{what: binary + " " + what, took: median(found[what]), against: other, other: median(found[other]), limit: 0.6})
	}
	return nil
}
