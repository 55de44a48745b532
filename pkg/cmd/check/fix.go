package check

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fix"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/prune"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// fixAll runs the fixes of the findings and checks again, until no fix is left that was not tried: a fix can lead to
// another finding, such as a role of an earlier generation.
func (o *Options) fixAll(ctx context.Context, done *factory.Checked, report *printers.Report) error {
	planner := &fix.Planner{}
	for {
		plan := planner.Plan(done.Findings)
		if len(plan.Steps) == 0 || o.dryRun != cmdutil.DryRunNone {
			return o.printFixed(done.Findings, plan, report)
		}
		if err := o.confirm(ctx, plan, report); err != nil {
			return err
		}
		o.fixed = true
		if err := o.fixer(done, report).Run(ctx, plan); err != nil {
			printers.PrintErrors(o.streams.ErrOut, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := done.Repeat(ctx); err != nil {
			return err
		}
	}
}

// confirm prints a plan and asks for confirmation.
func (o *Options) confirm(ctx context.Context, plan *fix.Plan, report *printers.Report) error {
	if err := printers.PrintFixes(o.streams.ErrOut, plan, printers.Options{WithNamespace: o.scope.All}, report.Verbose()); err != nil {
		return err
	}
	if o.yes {
		return nil
	}
	return printers.Confirm(ctx, o.streams, "fix", fmt.Sprintf("Run these %d fixes?", len(plan.Steps)))
}

// printFixed prints the result: the plan of a dry run, or what is left. As objects, these are all findings of the last check.
func (o *Options) printFixed(found check.Findings, plan *fix.Plan, report *printers.Report) error {
	switch {
	case !o.output.IsTable() || len(found) == 0 || !o.fixed && len(plan.Steps) == 0:
		return o.print(found, report)
	case len(plan.Steps) > 0: // a dry run
		if err := printers.PrintFixes(o.streams.Out, plan, printers.Options{WithNamespace: o.scope.All}, report.Verbose()); err != nil {
			return err
		}
	case found.Healthy():
		report.Step("everything is fixed")
		return nil
	default:
		if err := o.printList(found.Faults()); err != nil {
			return err
		}
		report.Step("%s", printers.Findings(found).Summary())
	}
	return &command.Error{Code: command.Failed}
}

// fixer returns what runs the fixes, as the administrators of the check.
func (o *Options) fixer(done *factory.Checked, report *printers.Report) *fix.Fixer {
	f := &fix.Fixer{
		Kube: done.Clients.Kube, Workloads: done.Clients.Workloads, Report: report,
		Options: binding.Options{FieldManager: o.manager, Wait: true, Timeout: o.timeout},
	}
	f.Bind = func(ctx context.Context, items []*binding.Item) error { return o.bind(ctx, done, items) }
	f.Rotate = func(ctx context.Context, bindings []*inventory.Binding) error {
		_, err := factory.NewRotator(done.Clients, report, done.Administrators.Of).Rotate(ctx, bindings, rotate.Options{
			Choice: o.server.Choice(), Grace: o.grace, Drain: flags.DefaultDrain, Timeout: o.timeout, Settle: flags.DefaultSettle,
			FieldManager: o.manager,
		})
		return err
	}
	f.Remove = func(ctx context.Context, found check.Findings) error {
		options := unbind.Options{Grace: o.grace, Timeout: o.timeout, FieldManager: o.manager}
		_, err := done.Pruner(report, options, o.server.Choice()).Prune(ctx, prune.Prunable(found))
		return err
	}
	return f
}

// bind runs the pipeline of a bind.
func (o *Options) bind(ctx context.Context, done *factory.Checked, items []*binding.Item) error {
	for _, i := range items {
		i.Report = &printers.Notes{}
	}
	progress := printers.NewProgress(o.results(), len(items), "")
	pipeline := factory.NewPipeline(done.Clients, o.streams, progress)
	inSpec := pipeline.Server
	pipeline.Server = func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) binding.Server {
		if admin := done.Administrators.Of(e); o.server.Spec.AdminUser != "" || admin.Password != "" {
			return done.Clients.Server(e, admin, spec.DBName)
		}
		return inSpec(e, spec, adminPassword)
	}
	err := pipeline.Run(ctx, items)
	progress.End()
	return err
}

// checkFix rejects flags of a fix without --fix.
func (o *Options) checkFix() error {
	if !o.fix && (o.yes || o.dryRun != cmdutil.DryRunNone) {
		return errors.New("--yes and --dry-run need --fix")
	}
	return flags.CheckDurations(flags.Duration{Flag: "grace", Value: o.grace}, flags.Duration{Flag: "timeout", Value: o.timeout})
}

// results returns the streams for the results of fixes. They leave the standard output to the findings if these are objects.
func (o *Options) results() genericiooptions.IOStreams {
	streams := o.streams
	if !o.output.IsTable() {
		streams.Out = streams.ErrOut
	}
	return streams
}
