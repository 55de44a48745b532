// Package prune removes the expired and orphaned bindings and roles that a check found.
package prune

import (
	"context"
	"fmt"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// Unbinder removes bindings. *unbind.Unbinder implements it.
type Unbinder interface {
	ReadWorkloads(ctx context.Context, items []*unbind.Item)
	Unbind(ctx context.Context, items []*unbind.Item, o unbind.Options) error
}

// Endpoints finds the servers that a reference can mean. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Pruner removes what a check found.
type Pruner struct {
	Unbinder  Unbinder
	Endpoints Endpoints
	Roles     func(*server.Endpoint) droprole.Roles
	Report    report.Reporter
	Choice    server.Choice
	Options   unbind.Options
}

// Prunable returns the findings that can be pruned. Unknown ones cannot.
func Prunable(found check.Findings) check.Findings {
	return found.Only(check.Expired, check.OrphanedSecret, check.OrphanedRole)
}

// Prune removes the findings, which must be Prunable: all bindings in one run, and then the roles of each server. It
// continues after an error, and returns the names of the Secrets of the removed bindings, and all errors.
func (p *Pruner) Prune(ctx context.Context, found check.Findings) (removed []string, err error) {
	var items, expired []*unbind.Item
	for _, f := range found.Only(check.Expired, check.OrphanedSecret) {
		item := unbind.NewItem(inventory.Subject{Namespace: f.Namespace, Name: f.Workload}, inventory.Filter{Secret: f.Secret})
		item.Choice = p.Choice
		if items = append(items, item); f.Reason == check.Expired {
			expired = append(expired, item)
		}
	}
	var errs []error
	if len(items) > 0 {
		p.Unbinder.ReadWorkloads(ctx, expired)
		errs = append(errs, p.Unbinder.Unbind(ctx, items, p.Options))
	}
	roles := map[server.Ref]check.Findings{}
	for _, f := range found.Only(check.OrphanedRole) {
		roles[f.Server] = append(roles[f.Server], f)
	}
	for ref, findings := range roles {
		errs = append(errs, p.dropRoles(ctx, ref, findings))
	}
	return unbind.Removed(items), utilerrors.NewAggregate(errs)
}

// dropRoles drops the roles of one server that have no Secret and no workload.
func (p *Pruner) dropRoles(ctx context.Context, ref server.Ref, findings check.Findings) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	candidates, err := p.Endpoints.Candidates(ctx, ref, p.Choice)
	if err != nil {
		return fmt.Errorf("namespace %s: %w", findings[0].Namespace, err)
	}
	var roles []*droprole.Role
	_ = postgres.OnPrimary(candidates, func(endpoint *server.Endpoint) error {
		roles = p.retire(ctx, &droprole.Retirer{Roles: p.Roles(endpoint), Report: p.Report, Grace: p.Options.Grace}, findings)
		return roles[0].Err // each role has its own error
	})
	var errs []error
	for i, role := range roles {
		if role.Err != nil {
			errs = append(errs, fmt.Errorf("namespace %s: %w", findings[i].Namespace, role.Err))
			continue
		}
		p.Report.Done("role/"+role.Name, "dropped")
	}
	return utilerrors.NewAggregate(errs)
}

// retire drops the roles. Other roles of the same owners have findings of their own.
func (p *Pruner) retire(ctx context.Context, retirer *droprole.Retirer, findings check.Findings) []*droprole.Role {
	var named []postgres.LoginRole
	for _, f := range findings {
		named = append(named, postgres.LoginRole{Owner: f.Owner, Name: f.Role})
	}
	var roles []*droprole.Role
	for i, found := range retirer.Survey(ctx, named) {
		role := droprole.RoleOf(named[i].Owner, found.Holdings, named[i].Name)
		role.Err = found.Err
		roles = append(roles, role)
	}
	retirer.LockOut(ctx, roles)
	retirer.Drop(ctx, roles)
	return roles
}
