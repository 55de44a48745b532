package binding

import (
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// checkLogin refuses a user name or a password that cannot work, and warns of one that an application may have to quote.
func checkLogin(to report.Reporter, o LoginOptions) error {
	if o.Username != "" {
		if err := postgres.CheckRoleName(o.Username); err != nil {
			return err
		}
	}
	if o.Password != "" {
		if err := postgres.CheckPassword(o.Password); err != nil {
			return fmt.Errorf("the password of --password-from cannot be used: %w", err)
		}
	}
	for what, value := range map[string]string{"user name": o.Username, "password": o.Password} {
		if value != "" && postgres.NeedsQuoting(value) {
			to.Warn("the %s has characters that must be quoted in a connection string, which not every application does", what)
		}
	}
	return nil
}

// end is when the password ends; the zero time for never.
func (o LoginOptions) end() time.Time {
	if !o.Until.IsZero() {
		return o.Until
	}
	if o.Expires == 0 {
		return time.Time{}
	}
	return time.Now().Add(o.Expires).UTC().Truncate(time.Second)
}

// keepUsername goes on with the user name that was chosen when the workload was bound.
func (p *Plan) keepUsername() error {
	for secret, a := range credentials.AnnotationsOf(p.workload.Annotations()) {
		chosen := a.Role != credentials.RoleName(a.ID, a.Generation)
		wanted := p.options.Login.Username
		switch {
		case a.ID != p.binding.Owner.ID:
		case wanted != "" && wanted != a.Role:
			return fmt.Errorf("%s is bound as user %q by secret/%s: unbind it before you give it another user name", p.workload, a.Role, secret)
		case chosen && postgres.CheckRoleName(a.Role) == nil:
			p.options.Login.Username = a.Role
		}
	}
	return nil
}
