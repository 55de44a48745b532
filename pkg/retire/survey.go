package retire

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// Survey tells the user what the binding's login roles hold, and refuses where dropping them would lose data or cannot work. named is the
// role that the marks name. Nothing is changed on the server. Each error names the way out.
func (r *Retirer) Survey(ctx context.Context, named string) (*postgres.Holdings, error) {
	found, err := r.Roles.Holdings(ctx, r.Owner, named)
	if err != nil {
		return nil, err
	}
	r.Found = found
	for _, holder := range found.Roles {
		r.describe(holder)
	}
	return found, refuse(found)
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
	}
	for _, s := range h.Sessions {
		r.Report.Step("role %s has %d sessions in database %s (%s)", h.Role, s.Count, s.Database, s.State)
	}
}

// refuse returns every reason why the roles cannot be dropped.
func refuse(found *postgres.Holdings) error {
	var reasons []error
	for _, database := range found.Databases {
		if !database.Open {
			reasons = append(reasons, fmt.Errorf("database %q takes no connections, and the role holds something in it: ALTER DATABASE %[1]q ALLOW_CONNECTIONS true", database.Name))
		}
	}
	for _, h := range found.Roles {
		for _, p := range h.Prepared {
			reasons = append(reasons, fmt.Errorf("the prepared transaction %q in database %q holds role %q: end it there with COMMIT PREPARED or ROLLBACK PREPARED", p.Name, p.Database, h.Role))
		}
		if len(h.Members) > 0 {
			reasons = append(reasons, fmt.Errorf("role %q has members, which would lose what it may do: REVOKE %q FROM %s", h.Role, h.Role, strings.Join(h.Members, ", ")))
		}
		for _, o := range h.Objects {
			if o.Owned > 0 && h.Heir == "" {
				reasons = append(reasons, homeless(h.Role, fmt.Errorf("database %q: %w", o.Database, postgres.ErrHomeless)))
			}
		}
	}
	return errors.Join(reasons...)
}

// homeless names the way out where nobody would own what the role owns.
func homeless(role string, err error) error {
	return fmt.Errorf("role %q cannot be dropped without losing data: %w: bind the workload again, which gives the role its access role, or hand the objects on with REASSIGN OWNED", role, err)
}
