package binding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// releaseRole rolls back the adoption of a role.
func (r *run) releaseRole(p *Plan) rollback.Step {
	e, role := p.endpoint, p.role.Name
	return rollback.Step{
		What: "the comment of role " + role,
		How: fmt.Sprintf(
			"kubectl exec -n %s %s -- psql --username=%s --dbname=%s --command='COMMENT ON ROLE %s IS NULL'",
			e.Pod.Namespace, e.Pod.Name, p.spec.AdminUser, p.spec.DBName, postgres.Identifier(role),
		),
		Do: func(ctx context.Context) (released bool, err error) {
			r.servers.with(p, func(s Server) {
				var did []string
				did, err = s.Release(ctx, p.role)
				released = len(did) > 0
			})
			return released, err
		},
	}
}

// restoreMetadata rolls back the metadata of an adopted Secret.
func (r *run) restoreMetadata(i *Item, before, now *corev1.Secret) rollback.Step {
	return rollback.Step{
		What: "the metadata of secret/" + now.Name,
		How:  fmt.Sprintf("kubectl label secret -n %s %s %s-", now.Namespace, now.Name, secret.ManagedByLabel),
		Do: func(ctx context.Context) (bool, error) {
			change := changesOf(now, before)
			if change.Metadata.Labels == nil {
				change.Metadata.Labels = map[string]*string{}
			}
			for name := range now.Labels {
				if _, stays := before.Labels[name]; !stays {
					change.Metadata.Labels[name] = nil
				}
			}
			_, err := r.patchSecret(ctx, i, now, change)
			if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // another writer has it now
				return false, nil
			}
			return err == nil, err
		},
	}
}

// completeAdoptions revokes what adopted login roles hold in their own name: the workload is bound, so that the role no longer needs privileges of its own. Running it again completes
// what was interrupted.
func (r *run) completeAdoptions(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		if !i.plan.completesAdoption {
			return
		}
		r.servers.with(i.plan, func(s Server) {
			done, err := s.CompleteAdoption(ctx, i.plan.role)
			if done != nil {
				report.Transfer(i.Report, i.plan.role.Name, i.plan.role.Access.Role(), done)
			}
			if err != nil {
				i.Fail(
					fmt.Errorf(
						"%s is bound, but what role %q holds in its own name could not be replaced: run the command again: %w",
						i.Workload, i.plan.role.Name, err,
					),
				)
			}
		})
	})
}
