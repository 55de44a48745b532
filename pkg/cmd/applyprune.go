package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/printers"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// applyPruneFlags select the bindings that apply removes because no file contains them.
type applyPruneFlags struct {
	wanted   bool
	selector string
	yes      bool
	grace    time.Duration
}

func (f *applyPruneFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&f.wanted, "prune", false, "Remove bindings that the files do not contain, "+
		"of workloads that match --selector in the namespaces of the files")
	flags.StringVarP(&f.selector, "selector", "l", "", "Label selector for the workloads that --prune checks")
	flags.BoolVarP(&f.yes, "yes", "y", false, "Do not ask before --prune removes bindings")
	flags.DurationVar(&f.grace, "grace", defaultGrace, "Time for open sessions to end before --prune terminates them")
}

// check rejects invalid combinations of flags.
func (f *applyPruneFlags) check() error {
	switch {
	case f.wanted && f.selector == "":
		return errors.New("--prune needs --selector: set the labels of the workloads whose bindings the files contain")
	case !f.wanted && (f.selector != "" || f.yes):
		return errors.New("--selector and --yes need --prune")
	}
	_, err := labels.Parse(f.selector)
	return err
}

// pruneUnnamed shows the bindings that the files do not contain, and removes them.
func (f *applyFlags) pruneUnnamed(ctx context.Context, r *applyRun, made map[string]bool) error {
	selector, err := labels.Parse(f.prune.selector)
	if err != nil {
		return fmt.Errorf("read --selector: %w", err)
	}
	found, err := readBindings(ctx, r.connection, r.items, selector)
	if err != nil {
		return err
	}
	stale, err := f.shard.pick(binding.Unnamed(r.items, made, found))
	if err != nil || len(stale) == 0 {
		return err
	}
	out := r.streams.ErrOut
	if r.base.DryRun != cmdutil.DryRunNone {
		out = r.streams.Out
	}
	table := (&inventory.Inventory{Bindings: stale}).Table(time.Now())
	if err := printTable(out, table, printers.PrintOptions{WithNamespace: true}); err != nil || r.base.DryRun != cmdutil.DryRunNone {
		return err
	}
	if !f.prune.yes {
		if err := confirm(ctx, r.streams, len(stale)); err != nil {
			return err
		}
	}
	return f.unbindAll(ctx, r, stale)
}

// unbindAll unbinds in parallel. An error does not stop the others.
func (f *applyFlags) unbindAll(ctx context.Context, r *applyRun, stale []inventory.Binding) error {
	errs := make([]error, len(stale))
	var group errgroup.Group
	group.SetLimit(f.serverConcurrency)
	for i := range stale {
		group.Go(func() error {
			errs[i] = f.unbind(ctx, r, &stale[i])
			return nil
		})
	}
	_ = group.Wait() // each binding keeps its own error
	return errors.Join(errs...)
}

func (f *applyFlags) unbind(ctx context.Context, r *applyRun, b *inventory.Binding) error {
	named, err := r.clients.workloads.Lookup(ctx, b.Namespace, []string{b.Marks.Workload})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", b.Namespace, err)
	}
	unbinder := &unbind.Unbinder{
		Workloads: r.clients.workloads, Databases: target.NewFinder(r.clients.kube), Kube: r.clients.kube, Report: newReport(r.streams, ""),
		Roles: func(d *target.Database, database string) unbind.Roles {
			return r.clients.server(d, administrator{user: cmp.Or(b.Marks.Choices.AdminUser, v1alpha1.DefaultAdminUser)}, database)
		},
	}
	options := unbind.Options{
		Choice: target.Choice{Container: b.Marks.Choices.PostgresContainer},
		Secret: b.SecretName, Grace: f.prune.grace, Timeout: f.rollout.timeout, Restart: f.rollout.restart, Recreate: f.rollout.recreate,
	}
	subject := unbind.Subject{Namespace: b.Namespace, Name: b.Marks.Workload, Workload: named[0].Workload}
	if err := unbinder.Unbind(ctx, subject, options); err != nil {
		return fmt.Errorf("namespace %s: %w", b.Namespace, err)
	}
	return nil
}
