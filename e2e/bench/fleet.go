package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// What a fleet is, and what it may take.
const (
	many, few, servers = 1000, 100, 20

	applyLimit  = 25 * time.Second
	applyFaster = 20.0 // times the script's rate
	applyGrowth = 1.2  // of the time per binding, from few to many
	applyMemory = 150 << 20
	listLimit   = time.Second
	listMemory  = 80 << 20
)

// fleet is bindings of Deployments, as many in each namespace; each namespace has its own database.
type fleet struct {
	namespaces []*harness.Namespace
	each       int
}

func (f fleet) size() int { return len(f.namespaces) * f.each }

// bindings is the file that describes them.
func (f fleet) bindings() string {
	var text strings.Builder
	for _, n := range f.namespaces {
		for i := range f.each {
			fmt.Fprintf(&text, "---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nmetadata: {namespace: %s}\nspec: {workload: deployment/%s}\n", n.Name, deploymentName(i))
		}
	}
	return text.String()
}

// benchFleet measures many bindings at once, on one database and on several, and the list of them.
func (b *bench) benchFleet(ctx context.Context, r *report) error {
	all, err := b.databases(ctx)
	if err != nil {
		return err
	}
	one := fleet{all[:1], many}
	sizes := []fleet{{all[:1], few}, one, {all, many / servers}}
	applied := make([][]figures, len(sizes))
	var listed []figures
	for round := range b.fleets {
		for i, f := range sizes {
			taken, err := b.apply(ctx, f)
			if err != nil {
				return fmt.Errorf("apply %d bindings on %d databases, round %d: %w", f.size(), len(f.namespaces), round, err)
			}
			say("round %d: %d bindings on %d databases in %s, %s", round, f.size(), len(f.namespaces), taken.took.Round(time.Millisecond), megabytes(taken.peak))
			applied[i] = append(applied[i], taken)
			if f.each == many && round == 0 {
				if listed, err = b.list(ctx, f.namespaces[0]); err != nil {
					return err
				}
			}
			if err := b.clearAll(ctx, f); err != nil {
				return err
			}
		}
	}
	r.list(listed)
	r.applied(one, applied[1])
	r.growth(applied[0], applied[1])
	r.applied(sizes[2], applied[2])
	return nil
}

// databases makes a namespace with a database for each server, several at once.
func (b *bench) databases(ctx context.Context) ([]*harness.Namespace, error) {
	var all []*harness.Namespace
	for range servers {
		n, err := b.database(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// apply makes the bindings of a fleet that was not there before.
func (b *bench) apply(ctx context.Context, f fleet) (figures, error) {
	for _, n := range f.namespaces {
		if err := b.deploy(ctx, n, f.each); err != nil {
			return figures{}, err
		}
	}
	file := filepath.Join(b.dir, "bindings.yaml")
	if err := os.WriteFile(file, []byte(f.bindings()), 0o600); err != nil {
		return figures{}, fmt.Errorf("write the bindings: %w", err)
	}
	time.Sleep(breath)
	return measured(b.Pgbind("apply", "--filename="+file, "--wait=false").Cmd(ctx))
}

// list lists the bindings of a namespace as often as everything is measured.
func (b *bench) list(ctx context.Context, n *harness.Namespace) ([]figures, error) {
	var listed []figures
	for range b.runs {
		taken, err := measured(n.Pgbind("list").Cmd(ctx))
		if err != nil {
			return nil, err
		}
		listed = append(listed, taken)
	}
	return listed, nil
}

func (b *bench) clearAll(ctx context.Context, f fleet) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, n := range f.namespaces {
		group.Go(func() error { return b.clear(within, n) })
	}
	return group.Wait()
}
