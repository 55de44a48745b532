package main

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// The size of a crowded database and the limits there.
const (
	relations     = 20_000
	lockedLimit   = time.Second
	crowdedChecks = 100
	checkLimit    = 10 * time.Second

	isolated, isolatedEarly = 100, 10
	isolatedSpan            = 7 // binds whose median counts
	isolatedLimit           = 2.0
)

// watchLock reports the longest time, in milliseconds, that one session held the lock on roles.
//
//go:embed watchlock.sql
var watchLock string

// benchRelations measures a database with many relations: how long the first bind of each level locks the catalog of roles, and how long a
// check of many bindings takes.
func (b *bench) benchRelations(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	// Each table has a sequence.
	create := fmt.Sprintf(`SELECT format('CREATE TABLE crowd_%%s (id serial)', i) FROM generate_series(1, %d) AS i \gexec`, relations/2)
	if _, err := n.AdminSQL(ctx, create); err != nil {
		return err
	}
	if err := b.deploy(ctx, n, crowdedChecks, 0); err != nil {
		return err
	}
	var longest time.Duration
	for i, level := range []string{"readonly", "readwrite", "all"} {
		locked, err := b.locked(ctx, n, n.Pgbind("deployment/"+deploymentName(i), "--wait=false", "--access="+level))
		if err != nil {
			return err
		}
		longest = max(longest, locked)
	}
	r.within(fmt.Sprintf("a first bind on %d relations, time that pg_authid is locked", relations), longest, lockedLimit)
	if _, err := b.bindEach(ctx, n, 3); err != nil {
		return err
	}
	if _, err := b.applyFile(ctx, fleet{[]*harness.Namespace{n}, crowdedChecks}); err != nil {
		return err
	}
	checked, err := b.look(ctx, n.Pgbind("check"))
	if err != nil {
		return err
	}
	r.within(fmt.Sprintf("check of %d bindings on %d relations", crowdedChecks, relations), median(checked), checkLimit)
	return nil
}

// locked runs a command, and returns the longest time that a session held the lock on roles meanwhile.
func (b *bench) locked(ctx context.Context, n *harness.Namespace, command *harness.Command) (time.Duration, error) {
	group, within := errgroup.WithContext(ctx)
	var output string
	group.Go(func() (err error) {
		output, err = n.AdminSQL(within, watchLock)
		return err
	})
	group.Go(func() error {
		time.Sleep(breath) // The watching session starts first.
		_, err := command.Output(within)
		return err
	})
	if err := group.Wait(); err != nil {
		return 0, err
	}
	milliseconds, err := strconv.Atoi(strings.TrimSpace(output))
	if err != nil {
		return 0, fmt.Errorf("read how long the lock was held: %w", err)
	}
	return time.Duration(milliseconds) * time.Millisecond, nil
}

// benchIsolated compares a late isolated bind of a database with an early one.
func (b *bench) benchIsolated(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	if err := b.deploy(ctx, n, isolated, 0); err != nil {
		return err
	}
	taken, err := b.bindEach(ctx, n, isolated, "--isolated", "--force")
	if err != nil {
		return err
	}
	around := func(number int) time.Duration { return median(taken[number-isolatedSpan : number]) }
	r.compare(comparison{
		what: fmt.Sprintf("isolated bind number %d", isolated), took: around(isolated),
		against: fmt.Sprintf("number %d", isolatedEarly), other: around(isolatedEarly), limit: isolatedLimit,
	})
	return nil
}
