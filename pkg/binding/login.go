package binding

import (
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// checkLogin refuses a password that cannot work, and warns if an application may have to quote it or the user name.
func checkLogin(to report.Reporter, username, password string) error {
	if password != "" {
		if err := postgres.CheckPassword(password); err != nil {
			return fmt.Errorf("the password of --password-from cannot be used: %w", err)
		}
	}
	for what, value := range map[string]string{"user name": username, "password": password} {
		if value != "" && postgres.NeedsQuoting(value) {
			to.Warn("the %s has characters that must be quoted in a connection string, which not every application does", what)
		}
	}
	return nil
}

// keepUsername continues with the user name that was chosen when the workload was bound.
func (p *Plan) keepUsername() error {
	for secretName, a := range secret.AnnotationsOf(p.workload.Annotations()) {
		chosen := a.Role != secret.RoleName(a.ID, a.Generation)
		wanted := p.spec.Username
		switch {
		case a.ID != p.role.Owner.ID:
		case wanted != "" && wanted != a.Role:
			return fmt.Errorf(
				"%s is bound as user %q by secret/%s: unbind it before you give it another user name", p.workload,
				a.Role, secretName,
			)
		case chosen && postgres.CheckRoleName(a.Role) == nil:
			p.spec.Username = a.Role
		}
	}
	return nil
}
