package droprole

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// Survey reports what depends on the login roles of bindings. Each of the named roles is the one in the metadata of its
// binding. It changes nothing on the server.
func (r *Retirer) Survey(ctx context.Context, named []postgres.LoginRole) []postgres.Found {
	found := r.Roles.Holdings(ctx, named)
	for _, f := range found {
		if f.Err != nil {
			continue
		}
		for _, holder := range f.Holdings.Roles {
			r.describe(holder)
			if err := obstacles(f.Holdings, holder.Role); err != nil {
				r.Report.Warn("role %s can be disabled but not dropped: %v", holder.Role, err)
			}
		}
	}
	return found
}

// describe reports what the role owns, which privileges are lost, and its members and sessions.
func (r *Retirer) describe(h postgres.RoleDependencies) {
	for _, o := range h.Objects {
		if o.Owned > 0 {
			r.Report.Step("in database %s, reassigning %s of role %s to role %s: %s",
				o.Database, report.Number(o.Owned, "object"), h.Role, h.NewOwner, strings.Join(o.Owns, ", "))
		}
		if len(o.Loses) > 0 {
			r.Report.Warn("in database %s, privileges of role %s are lost: %s", o.Database, h.Role, strings.Join(o.Loses, ", "))
		}
		if len(o.Definers) > 0 {
			r.Report.Warn("in database %s, these functions still run with the privileges of role %s or its access role "+
				"for everyone who can execute them: %s; to change that: ALTER FUNCTION … SECURITY INVOKER",
				o.Database, h.Role, strings.Join(o.Definers, ", "))
		}
	}
	if len(h.Members) > 0 {
		r.Report.Warn("role %s has members, which lose its privileges: %s", h.Role, strings.Join(h.Members, ", "))
	}
	for _, s := range h.Sessions {
		r.Report.Step("role %s has %s in database %s (%s)", h.Role, report.Number(s.Count, "session"), s.Database, s.State)
	}
}

// obstacles returns every reason why a role cannot be dropped. Each error names a solution.
func obstacles(found *postgres.Holdings, role string) error {
	var reasons []error
	for _, database := range found.Databases {
		if !database.Open {
			reasons = append(reasons, fmt.Errorf("database %q does not allow connections and contains objects that depend on the role: "+
				"ALTER DATABASE %[1]q ALLOW_CONNECTIONS true", database.Name))
		}
	}
	for _, h := range found.Roles {
		for _, p := range h.Prepared {
			if h.Role == role {
				reasons = append(reasons, fmt.Errorf("the prepared transaction %q in database %q holds locks of the role: "+
					"end it there with COMMIT PREPARED or ROLLBACK PREPARED", p.Name, p.Database))
			}
		}
	}
	return errors.Join(reasons...)
}
