package rotate

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// createSuccessor creates the second login role and verifies that it can log in.
func (r *Rotator) createSuccessor(ctx context.Context, p *rotation, made *undo.Stack) error {
	exists, err := p.roles.CreateUser(ctx, p.role)
	if unknown := new(postgres.UnknownError); err == nil || errors.As(err, &unknown) {
		made.Push(r.dropSuccessor(p))
	}
	if err != nil {
		return fmt.Errorf("create role %q in pod/%s: %w", p.role, p.database.Pod.Name, err)
	}
	former := p.former
	if exists {
		// Another rotation is in progress or was interrupted. If the Secret has the role by now, Pods may use its password, and the old role may
		// be gone.
		_, c, err := r.handedOver(ctx, p)
		if err != nil {
			return err
		}
		if c != nil {
			former, p.password = p.role, c.Password
		}
	}
	result, err := p.roles.Succeed(ctx, postgres.Successor{Role: p.role, Former: former, Owner: p.owner}, p.login(p.password))
	if result != nil {
		for _, statement := range result.Did {
			r.Report.Step("%s", statement)
		}
		for _, missing := range result.Lacks {
			r.Report.Warn("role %s does not get %s", p.role, missing)
		}
	}
	if err != nil {
		return fmt.Errorf("set up role %q to replace %q in pod/%s: %w", p.role, p.former, p.database.Pod.Name, err)
	}
	p.host, p.encrypted = result.Host, result.SSL
	report.Login(r.Report, p.role, result)
	return nil
}

// dropSuccessor drops the second login role, unless Pods may still use it.
func (r *Rotator) dropSuccessor(p *rotation) undo.Step {
	return undo.Step{
		What: "role " + p.role,
		How:  fmt.Sprintf("kubectl pgbind rotate %s -n %s --secret %s", p.Name, p.Namespace, p.SecretName),
		Do: func(ctx context.Context) (bool, error) {
			if p.keepSuccessor {
				return false, errors.New("something may still have its password")
			}
			// This run has rolled back what it wrote to the Secret. Another run has written the role there and is responsible for it.
			if _, c, err := r.handedOver(ctx, p); c != nil || err != nil {
				return false, err
			}
			retirer := r.retirer(p)
			retirer.Found = nil
			if err := retirer.LockOut(ctx, p.role); err != nil {
				return false, err
			}
			return true, retirer.Drop(ctx, p.role, nil)
		},
	}
}

// inPlace changes the password of the current role and the Secret.
func (r *Rotator) inPlace(ctx context.Context, p *rotation) error {
	if p.Secret == nil {
		return fmt.Errorf("secret/%s does not exist and Pods may still use its password: rotate without --in-place, which creates a new user",
			p.SecretName)
	}
	p.role, p.generation = p.former, p.Marks.Generation
	made := &undo.Stack{Report: r.Report}
	made.Push(r.restorePassword(p))
	result, err := p.roles.Succeed(ctx, postgres.Successor{Role: p.role, Former: p.role, Owner: p.owner}, p.login(p.password))
	if err != nil {
		return made.Run(ctx, fmt.Errorf("change the password of role %q in pod/%s: %w", p.role, p.database.Pod.Name, err))
	}
	p.host, p.encrypted = result.Host, result.SSL
	report.Login(r.Report, p.role, result)
	if err := r.writeSecret(ctx, p, made); err != nil {
		return made.Run(ctx, err)
	}
	r.Report.Done("secret/"+p.SecretName, "rotated in place")
	for _, user := range p.users {
		if !p.restarts(user) {
			continue
		}
		r.Report.Warn("the Pods of %s have the old password: open sessions continue, but new ones fail until you run: "+
			"kubectl rollout restart %s -n %s",
			user, user, p.Namespace)
	}
	return nil
}
