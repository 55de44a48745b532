package binding

import (
	"context"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
)

// transferOwnership gives the access role what the former login of an item owns, before the first Pod uses the new login. The Secret names the
// former login by now, so that the next run, or an undo, can continue. Pods that still use the former login keep its rights.
func (r *run) transferOwnership(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		p := i.plan
		if p.formerLogin == "" {
			return
		}
		transfer := p.ownershipTransfer()
		if !i.accepted && !p.noted() {
			i.toRollBack.Push(r.returnOwnership(i, transfer))
		}
		r.servers.with(p, func(s Server) {
			done, err := s.TransferOwnership(ctx, transfer)
			report.Transfer(i.Report, transfer.Login, transfer.Access.Role(), done)
			if err != nil {
				i.Fail(fmt.Errorf("hand over what role %q owns in database %q: %w", transfer.Login, p.spec.DBName, err))
			}
		})
	})
}

// ownershipTransfer returns the transfer of a takeover.
func (p *Plan) ownershipTransfer() postgres.OwnershipTransfer {
	marks := p.stored()
	return postgres.OwnershipTransfer{Access: p.role.Access, Login: marks.FormerLogin, Except: marks.OwnedBefore, Own: p.role.Name}
}

// returnOwnership rolls back what transferOwnership did.
func (r *run) returnOwnership(i *Item, transfer postgres.OwnershipTransfer) rollback.Step {
	p := i.plan
	return rollback.Step{
		What: "the ownership of the objects of role " + transfer.Login,
		How: fmt.Sprintf(
			"kubectl exec -n %s %s -- psql --username=%s --dbname=%s --command='REASSIGN OWNED BY %s TO %s'",
			p.endpoint.Pod.Namespace, p.endpoint.Pod.Name, p.spec.AdminUser, p.spec.DBName, transfer.Access.Role(),
			postgres.Identifier(transfer.Login),
		),
		Do: func(ctx context.Context) (given bool, err error) {
			r.servers.with(p, func(s Server) {
				var done *postgres.TransferResult
				done, err = s.ReturnOwnership(ctx, transfer)
				if done != nil {
					given = len(done.Did) > 0
					report.Transfer(i.Report, transfer.Access.Role(), transfer.Login, &postgres.TransferResult{Sharers: done.Sharers})
				}
				if err == nil && len(done.Unfinished) > 0 {
					err = fmt.Errorf("%s", done.Unfinished[0])
				}
			})
			return given, err
		},
	}
}
