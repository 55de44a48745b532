package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// plan makes the plan of each item from what was read.
func (r *run) plan(_ context.Context, items []*item) {
	for _, i := range items {
		if i.plan, i.err = r.planOf(i); i.err != nil {
			continue
		}
		i.password = secret.NewPassword()
		if !r.options.InPlace && i.plan.former != secret.RoleName(i.Marks.ID, i.Marks.Generation) {
			r.Report.Warn("the user name %q was chosen with --username, but the next user is called %q: use --in-place to keep the name",
				i.plan.former, i.plan.role)
		}
	}
}

// planOf finds the current role and those that earlier rotations left. It refuses if the new role would have fewer privileges.
func (r *run) planOf(i *item) (*plan, error) {
	p := &plan{
		former: i.Marks.Role, role: i.Marks.Role, generation: i.Marks.Generation,
		owner: postgres.Owner{ID: i.Marks.ID, Run: secret.NewRun(), Namespace: i.Namespace, NamespaceUID: i.namespaceUID},
	}
	if !r.options.InPlace {
		p.generation++
		p.role = secret.RoleName(i.Marks.ID, p.generation)
	}
	current := slices.IndexFunc(i.held.Roles, func(h postgres.RoleDependencies) bool { return h.Role == p.former })
	if current < 0 {
		return nil, fmt.Errorf("role %q of secret/%s does not exist: create it again with: kubectl pgbind %s -n %s",
			p.former, i.SecretName, i.Name, i.Namespace)
	}
	for _, holder := range i.held.Roles {
		// The new role exists if a run was interrupted before it wrote the Secret. Use it.
		if holder.Role != p.former && holder.Role != p.role {
			p.earlier = append(p.earlier, holder.Role)
		}
	}
	if r.options.Force || r.options.InPlace {
		return p, nil
	}
	return p, refuseLoss(i.held.Roles[current])
}

// refuseLoss refuses to replace a role that has privileges of its own, in addition to those of its access role.
func refuseLoss(h postgres.RoleDependencies) error {
	var errs []error
	for _, o := range h.Objects {
		if o.Granted > 0 {
			errs = append(errs, fmt.Errorf("role %q has privileges of its own in database %q that the new role would not get (%s): "+
				"grant them to role %s, change only the password with --in-place, or use --force",
				h.Role, o.Database, strings.Join(o.Loses, ", "), h.Access))
		}
	}
	return errors.Join(errs...)
}

// request asks for the new login role, with everything that another one has. If that is the same role, only its password changes.
func (i *item) request(former, password string) postgres.Request {
	spec := postgres.RoleSpec{Name: i.plan.role, Former: former, Owner: i.plan.owner, Access: postgres.Access{Database: i.Marks.DBName}}
	return postgres.Request{Role: spec, Login: i.login(password)}
}

// login describes how to set the new password and how to verify it, with the same address as the applications.
func (i *item) login(password string) postgres.Login {
	login := postgres.Login{
		Password: password, Set: true, Host: i.endpoint.HostName(), HostComplete: i.endpoint.HostComplete(),
		Port: i.endpoint.Port, PodIP: i.endpoint.PodIP, PodPort: i.endpoint.PodPort,
	}
	if i.Secret != nil {
		if c, ok := secret.Of(i.Secret); ok {
			login.Host, login.HostComplete, login.HostChosen = c.Host, true, i.Marks.BindingSpec.Host != ""
			login.Port = c.LoginPort()
		}
	}
	return login
}

// show reports what a rotation would do.
func (r *run) show(i *item) {
	finishes := i.leftEarlier() && !r.options.InPlace
	if finishes {
		for _, role := range i.plan.earlier {
			r.Report.Done("role/"+role, "dropped")
		}
	}
	if (!finishes || i.unseen) && !r.options.InPlace {
		for _, user := range i.users {
			if i.restarts(user) {
				r.Report.Step("the Pods of %s would be replaced", user)
			}
		}
		r.Report.Done("role/"+i.plan.role, "created")
	}
	r.Report.Done("secret/"+i.SecretName, "rotated")
}

// leftEarlier reports whether earlier rotations left roles.
func (i *item) leftEarlier() bool { return len(i.plan.earlier) > 0 && i.Secret != nil }
