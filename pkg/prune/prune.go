// Package prune removes the expired and orphaned bindings and roles that a check found.
package prune

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads, including deleted ones. *workload.Client implements it.
type Workloads interface {
	Lookup(ctx context.Context, namespace string, args []string) ([]workload.Named, error)
}

// Unbinder removes a binding. *unbind.Unbinder implements it.
type Unbinder interface {
	Unbind(ctx context.Context, n unbind.Subject, o unbind.Options) error
}

// Databases finds the servers that a reference can mean. *target.Finder implements it.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Pruner removes what a check found.
type Pruner struct {
	Workloads Workloads
	Unbinder  Unbinder
	Databases Databases
	Roles     func(*target.Database) retire.Roles
	Report    report.Reporter
	Options   unbind.Options // the options that all bindings share
}

// Prunable returns the findings that can be pruned. Unknown ones cannot.
func Prunable(found check.Findings) check.Findings {
	return found.Only(check.Expired, check.OrphanedSecret, check.OrphanedRole)
}

// Prune removes each of the findings, which must be Prunable. It continues after an error and returns all errors.
func (p *Pruner) Prune(ctx context.Context, found check.Findings) error {
	var errs []error
	for _, f := range found {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		if err := p.remove(ctx, f); err != nil {
			errs = append(errs, fmt.Errorf("namespace %s: %w", f.Namespace, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Pruner) remove(ctx context.Context, f check.Finding) error {
	switch f.Reason {
	case check.OrphanedRole:
		return p.dropRole(ctx, f)
	case check.OrphanedSecret:
		return p.unbind(ctx, f, nil)
	}
	named, err := p.Workloads.Lookup(ctx, f.Namespace, []string{f.Workload})
	if err != nil {
		return err
	}
	return p.unbind(ctx, f, named[0].Workload)
}

func (p *Pruner) unbind(ctx context.Context, f check.Finding, w *workload.Workload) error {
	options := p.Options
	options.Secret = f.Secret
	return p.Unbinder.Unbind(ctx, unbind.Subject{Namespace: f.Namespace, Name: f.Workload, Workload: w}, options)
}

// dropRole drops a role that has no Secret and no workload.
func (p *Pruner) dropRole(ctx context.Context, f check.Finding) error {
	candidates, err := p.Databases.Candidates(ctx, f.Server, p.Options.Choice)
	if err != nil {
		return err
	}
	for _, database := range candidates {
		retirer := &retire.Retirer{Roles: p.Roles(database), Owner: f.Owner, Report: p.Report, Grace: p.Options.Grace}
		if err = p.retire(ctx, retirer, f.Role); !errors.Is(err, postgres.ErrStandby) {
			break
		}
	}
	if err == nil {
		p.Report.Done("role/"+f.Role, "dropped")
	}
	return err
}

// retire drops one role. Other roles of the same owner have findings of their own.
func (p *Pruner) retire(ctx context.Context, retirer *retire.Retirer, role string) error {
	held, err := retirer.Survey(ctx, role)
	if err != nil {
		return err
	}
	if err := retirer.LockOut(ctx, role); err != nil {
		return err
	}
	return retirer.Drop(ctx, role, held.Databases)
}
