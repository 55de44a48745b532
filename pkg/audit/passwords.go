package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// weakPasswords reports passwords in MD5, and roles without one.
func weakPasswords(f *facts) []Finding {
	var found []Finding
	for _, role := range f.loginRoles() {
		finding := Finding{Object: "role/" + role.Name, Fix: f.setPassword(role.Name)}
		switch role.Password {
		case "md5":
			finding.Code, finding.Severity = MD5Password, Warning
			finding.Message = "its password is stored in MD5: the stored text is enough to log in, and PostgreSQL is going to drop it"
		case "none":
			finding.Code, finding.Severity = NoPassword, Info
			finding.Message = "it has no password, and logs in only where the server asks for none, or for a certificate"
		default:
			continue
		}
		found = append(found, finding)
	}
	return found
}

// expiredRoles reports roles whose time is over, as far as something uses them.
func expiredRoles(f *facts) []Finding {
	var found []Finding
	for _, role := range f.loginRoles() {
		if !role.Expired || !f.used(role.Name) {
			continue
		}
		message := "it expired"
		if role.ValidUntil != nil {
			message += " at " + role.ValidUntil.UTC().Format("2006-01-02 15:04:05Z")
		}
		if n := f.sessionsOf(role.Name); n > 0 {
			message += fmt.Sprintf("; %s continue until they end, and no new one can start", report.Number(n, "session"))
		}
		found = append(found, Finding{Code: ExpiredRole, Severity: Warning, Object: "role/" + role.Name, Message: message,
			Fix: f.sql("", "ALTER ROLE "+postgres.Identifier(role.Name)+" VALID UNTIL 'infinity'")})
	}
	return found
}

// orphanedRoles reports roles of bindings that have no Secret in their namespace.
func orphanedRoles(f *facts) []Finding {
	var found []Finding
	for _, role := range f.loginRoles() {
		if !f.orphaned(role) {
			continue
		}
		found = append(found, Finding{
			Code:      OrphanedRole,
			Severity:  Warning,
			Namespace: role.Owner.Namespace,
			Object:    "role/" + role.Name,
			Message: fmt.Sprintf(
				"its comment names a binding in namespace %s, which has no Secret there",
				role.Owner.Namespace,
			),
			Fix: f.prune(role.Owner.Namespace),
		})
	}
	return found
}

func (f *facts) orphaned(role postgres.AuditRole) bool {
	return role.Owner.ID != "" && f.cluster.secretsRead && f.cluster.covers(role.Owner.Namespace) &&
		!f.cluster.hasBinding(role.Owner.Namespace, role.Owner.ID)
}

func (f *facts) prune(namespace string) string {
	words := []string{"kubectl", "pgbind", "prune", "--postgres", f.ref.String()}
	if f.ref.Namespace != namespace {
		words = append(words, "--postgres-namespace", f.ref.Namespace)
	}
	return report.Command(append(append(words, f.admin...), "-n", namespace)...)
}

// unusedRoles reports login roles without a session that no pod template is known to use.
func unusedRoles(f *facts) []Finding {
	var found []Finding
	for _, role := range f.loginRoles() {
		if f.used(role.Name) || f.orphaned(role) || role.Owner.ID != "" && !f.cluster.covers(role.Owner.Namespace) {
			continue
		}
		finding := Finding{
			Code:     UnusedRole,
			Severity: Info,
			Object:   "role/" + role.Name,
			Message:  "it has no session now, and no pod template is known to use it",
			Fix:      f.sql("", "ALTER ROLE "+postgres.Identifier(role.Name)+" NOLOGIN"),
		}
		switch {
		case f.cluster.namespace != "":
			finding.Message += "; other namespaces were not read (-A)"
		case !f.cluster.valuesRead:
			finding.Message += "; the values of Secrets were not read (--read-secrets)"
		default:
			finding.Severity = Warning
		}
		found = append(found, finding)
	}
	return found
}

// differentPasswords reports roles for which two Secrets hold different passwords. One of them cannot be right.
func differentPasswords(f *facts) []Finding {
	passwords := map[string]map[string][]string{}
	for _, l := range f.cluster.secretLogins {
		if l.password == "" || !f.uses(l) {
			continue
		}
		if passwords[l.user] == nil {
			passwords[l.user] = map[string][]string{}
		}
		name := fmt.Sprintf("secret/%s in namespace %s", l.secret.Name, l.secret.Namespace)
		if !slices.Contains(passwords[l.user][l.password], name) {
			passwords[l.user][l.password] = append(passwords[l.user][l.password], name)
		}
	}
	var found []Finding
	for role, by := range passwords {
		if len(by) < 2 {
			continue
		}
		var names []string
		for _, secrets := range by {
			names = append(names, secrets...)
		}
		slices.Sort(names)
		found = append(found, Finding{
			Code:     PasswordsDiffer,
			Severity: Critical,
			Object:   "role/" + role,
			Message: "Secrets hold different passwords, of which at most one is right: " + strings.Join(
				slices.Compact(names),
				", ",
			),
			Fix: f.setPassword(role),
		})
	}
	return found
}
