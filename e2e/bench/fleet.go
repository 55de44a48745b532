package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// The size of a fleet, and its limits.
const (
	many, few, servers = 1000, 100, 20

	applyLimit  = 25 * time.Second
	applyFaster = 20.0 // times the script's rate
	applyGrowth = 1.2  // factor of the time for each binding, from few to many
	applyMemory = 200 << 20
	listLimit   = 500 * time.Millisecond
	listMemory  = 80 << 20
)

// fleet is a set of bindings, with the same number of Deployments in each namespace. Each namespace has its own database.
type fleet struct {
	namespaces []*harness.Namespace
	each       int
}

func (f fleet) size() int { return len(f.namespaces) * f.each }

// bindings returns the file of the bindings.
func (f fleet) bindings() string {
	var text strings.Builder
	for _, n := range f.namespaces {
		for i := range f.each {
			fmt.Fprintf(
				&text,
				"---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nmetadata: {namespace: %s}\nspec: {workload: deployment/%s}\n",
				n.Name, deploymentName(i),
			)
		}
	}
	return text.String()
}

// turns is how often the lesson's script runs after each fleet, for comparison.
const turns = 3

// benchFleet measures the apply of many bindings, on one database and on several, and their list. It compares a fleet with the lesson's
// script, which runs between the rounds.
func (b *bench) benchFleet(ctx context.Context, r *report) error {
	lessons, err := b.lessons(ctx, 2*b.fleets*turns)
	if err != nil {
		return err
	}
	all, err := b.databases(ctx, 1)
	if err != nil {
		return err
	}
	one := fleet{all, many}
	var listed, checked []figures
	read := func(f fleet) (err error) {
		if f.each != many || listed != nil {
			return nil
		}
		if listed, err = b.look(ctx, f.namespaces[0].Pgbind("list")); err != nil {
			return err
		}
		checked, err = b.look(ctx, f.namespaces[0].Pgbind("check"))
		return err
	}
	onOne, err := b.rounds(ctx, lessons, read, fleet{all, few}, one)
	if err != nil {
		return err
	}
	more, err := b.databases(ctx, servers-1)
	if err != nil {
		return err
	}
	spread := fleet{append(all, more...), many / servers}
	onMore, err := b.rounds(ctx, lessons, func(fleet) error { return nil }, spread)
	if err != nil {
		return err
	}
	r.list(listed)
	r.within(fmt.Sprintf("check of %d bindings", many), median(checked), checkLimit)
	r.applied(one, onOne.applied[1], onOne.script)
	r.growth(onOne.applied[0], onOne.applied[1])
	r.applied(spread, onMore.applied[0], onMore.script)
	return nil
}

// round has the figures of the fleets and of the lesson's script.
type round struct {
	applied [][]figures // of each fleet
	script  []figures
}

// rounds applies the fleets in turn, verifies the bindings, and deletes them.
func (b *bench) rounds(ctx context.Context, l *lessons, look func(fleet) error, fleets ...fleet) (round, error) {
	found := round{applied: make([][]figures, len(fleets))}
	for number := range b.fleets {
		for i, f := range fleets {
			taken, err := b.apply(ctx, f)
			if err != nil {
				return found, fmt.Errorf("apply %d bindings on %d databases, round %d: %w", f.size(), len(f.namespaces), number, err)
			}
			say(
				"round %d: %d bindings on %d databases in %s, %s", number, f.size(), len(f.namespaces),
				taken.took.Round(time.Millisecond), megabytes(taken.peak),
			)
			found.applied[i] = append(found.applied[i], taken)
			if err := errors.Join(look(f), b.clearAll(ctx, f)); err != nil {
				return found, err
			}
		}
		for range turns {
			taken, err := rested(l.next(ctx))
			if err != nil {
				return found, err
			}
			found.script = append(found.script, taken)
		}
	}
	return found, nil
}

// lessons runs the lesson's script in a namespace of its own. Each run binds another Deployment.
type lessons struct {
	*bench
	namespace *harness.Namespace
	done      int
}

func (b *bench) lessons(ctx context.Context, number int) (*lessons, error) {
	n, err := b.database(ctx)
	if err != nil {
		return nil, err
	}
	return &lessons{bench: b, namespace: n}, b.deploy(ctx, n, number, 0)
}

func (l *lessons) next(ctx context.Context) *exec.Cmd {
	number := l.done
	l.done++
	return l.lesson(ctx, l.namespace.Name, deploymentName(number), fmt.Sprintf("bench-%d", number), rand.Text())
}

// databases creates namespaces with a database each.
func (b *bench) databases(ctx context.Context, number int) ([]*harness.Namespace, error) {
	var all []*harness.Namespace
	for range number {
		n, err := b.database(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// apply creates the bindings of a fleet. None of them exists before.
func (b *bench) apply(ctx context.Context, f fleet) (figures, error) {
	for _, n := range f.namespaces {
		if err := b.deploy(ctx, n, f.each, 0); err != nil {
			return figures{}, err
		}
	}
	return b.applyFile(ctx, f)
}

func (b *bench) clearAll(ctx context.Context, f fleet) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, n := range f.namespaces {
		group.Go(func() error { return b.clear(within, n) })
	}
	return group.Wait()
}
