package binding

import (
	"context"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
)

// handOver gives the access role what the former login of an item owns, before the first Pod uses the new login. The Secret names the
// former login by now, so that the next run, or an undo, can continue. Pods that still use the former login keep its rights.
func (r *run) handOver(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		p := i.plan
		if p.formerLogin == "" {
			return
		}
		h := p.handover()
		if !i.accepted && !p.noted() {
			i.made.Push(r.giveBack(i, h))
		}
		r.servers.with(p, func(s Server) {
			done, err := s.HandOver(ctx, h)
			report.Settlement(i.Report, h.Login, h.Access.Role(), done)
			if err != nil {
				i.Fail(fmt.Errorf("hand over what role %q owns in database %q: %w", h.Login, p.spec.DBName, err))
			}
		})
	})
}

// handover returns what is handed over.
func (p *Plan) handover() postgres.Handover {
	marks := p.stored()
	return postgres.Handover{Access: p.binding.Access, Login: marks.FormerLogin, Except: marks.OwnedBefore, Own: p.binding.Role}
}

// giveBack rolls back what handOver did.
func (r *run) giveBack(i *Item, h postgres.Handover) rollback.Step {
	p := i.plan
	return rollback.Step{
		What: "the ownership of the objects of role " + h.Login,
		How: fmt.Sprintf(
			"kubectl exec -n %s %s -- psql --username=%s --dbname=%s --command='REASSIGN OWNED BY %s TO %s'",
			p.database.Pod.Namespace, p.database.Pod.Name, p.spec.AdminUser, p.spec.DBName, h.Access.Role(),
			postgres.Identifier(h.Login),
		),
		Do: func(ctx context.Context) (given bool, err error) {
			r.servers.with(p, func(s Server) {
				var done *postgres.Settlement
				done, err = s.GiveBack(ctx, h)
				if done != nil {
					given = len(done.Did) > 0
					report.Settlement(i.Report, h.Access.Role(), h.Login, &postgres.Settlement{Sharers: done.Sharers})
				}
				if err == nil && len(done.Unfinished) > 0 {
					err = fmt.Errorf("%s", done.Unfinished[0])
				}
			})
			return given, err
		},
	}
}
