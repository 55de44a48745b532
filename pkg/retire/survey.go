package retire

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// Survey tells the user what the binding's login roles hold. named is the role that the marks name. Nothing is changed on the server.
func (r *Retirer) Survey(ctx context.Context, named string) (*postgres.Holdings, error) {
	found, err := r.Roles.Holdings(ctx, r.Owner, named)
	if err != nil {
		return nil, err
	}
	r.Found = found
	for _, holder := range found.Roles {
		r.describe(holder)
		if err := r.obstacles(holder.Role); err != nil {
			r.Report.Warn("role %s can be locked out, but not dropped: %v", holder.Role, err)
		}
	}
	return found, nil
}

// describe lists what the role owns, would lose, and is used by.
func (r *Retirer) describe(h postgres.Holder) {
	for _, o := range h.Objects {
		if o.Owned > 0 {
			r.Report.Step("role %s owns %d objects in database %s, which go to role %s: %s", h.Role, o.Owned, o.Database, h.Heir, strings.Join(o.Owns, ", "))
		}
		if len(o.Loses) > 0 {
			r.Report.Warn("with role %s go in database %s: %s", h.Role, o.Database, strings.Join(o.Loses, ", "))
		}
		if len(o.Definers) > 0 {
			r.Report.Warn("in database %s, functions still run with the privileges of role %s or its access role for everyone who may execute them: %s; to end that: ALTER FUNCTION … SECURITY INVOKER",
				o.Database, h.Role, strings.Join(o.Definers, ", "))
		}
	}
	if len(h.Members) > 0 {
		r.Report.Warn("role %s has members, which lose what it may do: %s", h.Role, strings.Join(h.Members, ", "))
	}
	for _, s := range h.Sessions {
		r.Report.Step("role %s has %d sessions in database %s (%s)", h.Role, s.Count, s.Database, s.State)
	}
}

// obstacles returns every reason why a role that is locked out cannot be dropped. Each error names the way out.
func (r *Retirer) obstacles(role string) error {
	if r.Found == nil {
		return nil
	}
	var reasons []error
	for _, database := range r.Found.Databases {
		if !database.Open {
			reasons = append(reasons, fmt.Errorf("database %q takes no connections, and the role holds something in it: ALTER DATABASE %[1]q ALLOW_CONNECTIONS true", database.Name))
		}
	}
	for _, h := range r.Found.Roles {
		for _, p := range h.Prepared {
			if h.Role == role {
				reasons = append(reasons, fmt.Errorf("the prepared transaction %q in database %q holds its locks: end it there with COMMIT PREPARED or ROLLBACK PREPARED", p.Name, p.Database))
			}
		}
	}
	return errors.Join(reasons...)
}
