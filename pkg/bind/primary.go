package bind

import (
	"context"
	"errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// onPrimary sees to the login role on the server that takes writes. Labels only suggest which one that is, the server itself knows; and
// it may change while this runs, so that the Pods are read once more when none is found.
func (b *Binder) onPrimary(ctx context.Context, p *plan, made *undo.Stack) (*postgres.Result, error) {
	result, err := b.roleAmong(ctx, p, made)
	if !errors.Is(err, postgres.ErrStandby) || p.options.Postgres.Kind == target.KindPod {
		return result, err
	}
	candidates, readErr := b.Databases.Candidates(ctx, p.options.Postgres, p.options.Choice)
	if readErr != nil {
		return nil, errors.Join(err, readErr)
	}
	b.on(p, candidates[0])
	p.others = candidates[1:]
	return b.roleAmong(ctx, p, made)
}

// roleAmong tries one candidate after another while they are standbys.
func (b *Binder) roleAmong(ctx context.Context, p *plan, made *undo.Stack) (*postgres.Result, error) {
	result, err := b.role(ctx, p, made)
	for errors.Is(err, postgres.ErrStandby) && len(p.others) > 0 {
		b.Report.Step("pod/%s is a standby: going on with pod/%s", p.database.Pod.Name, p.others[0].Pod.Name)
		b.on(p, p.others[0])
		p.others = p.others[1:]
		result, err = b.role(ctx, p, made)
	}
	return result, err
}

// on goes on with another server of the same database.
func (b *Binder) on(p *plan, database *target.Database) {
	p.database, p.roles = database, b.Roles(database, p.options)
}
