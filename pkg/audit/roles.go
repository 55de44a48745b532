package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// power is one reason why a role can do more than its own privileges say.
type power struct {
	severity Severity
	text     string
}

// powerfulRoles reports roles with attributes and memberships by which they get around privileges.
func powerfulRoles(f *facts) []Finding {
	var found []Finding
	for _, role := range f.loginRoles() {
		powers := f.powers(role)
		if len(powers) == 0 {
			continue
		}
		finding := Finding{Code: PowerfulRole, Severity: Warning, Object: "role/" + role.Name}
		texts := make([]string, len(powers))
		for i, p := range powers {
			texts[i] = p.text
			if p.severity == Critical {
				finding.Severity = Critical
			}
		}
		finding.Message = "it " + strings.Join(texts, "; it ")
		finding.Fix = f.takePower(role)
		found = append(found, finding)
	}
	return found
}

// predefined says what members of PostgreSQL's own roles can do.
func predefined() map[string]power {
	return map[string]power{
		"pg_execute_server_program": {Critical, "runs programs as the operating system's user of the server, and so becomes superuser"},
		"pg_write_server_files":     {Critical, "writes files as the operating system's user of the server, and so becomes superuser"},
		"pg_read_server_files":      {Warning, "reads every file of the server, its data and keys included"},
		"pg_read_all_data":          {Warning, "reads all tables of all databases"},
		"pg_write_all_data":         {Warning, "writes all tables of all databases"},
	}
}

func (f *facts) powers(role postgres.AuditRole) []power {
	if role.Superuser {
		if f.sessionsOf(role.Name, FromWorkload, FromPooler) > 0 {
			return nil // the workload is reported
		}
		return []power{{Warning, "is a superuser"}}
	}
	var powers []power
	switch {
	case role.CreateRole && f.audit.Version < 160000:
		powers = append(powers, power{Critical, "has CREATEROLE, and so can make itself a member of any role that is no superuser, pg_execute_server_program included"})
	case role.CreateRole:
		powers = append(powers, power{Warning, "has CREATEROLE: it creates roles"})
	}
	if role.BypassRLS {
		powers = append(powers, power{Warning, "has BYPASSRLS: row security does not apply to it"})
	}
	if own := f.sessionsOf(role.Name, FromServer); role.Replication && (own == 0 || own < f.sessionsOf(role.Name)) {
		powers = append(powers, power{Warning, "has REPLICATION, and so can copy all data of the server"})
	}
	for _, r := range f.reach(role) {
		if p, ok := predefined()[r.name]; ok {
			powers = append(powers, power{p.severity, fmt.Sprintf("is a member of %s: it %s", r.path, p.text)})
		}
		if f.superuser(r.name) {
			powers = append(powers, power{Critical, fmt.Sprintf("is a member of %s, a superuser, and becomes that role with SET ROLE", r.path)})
		}
	}
	for _, m := range role.MemberOf {
		if m.Admin {
			powers = append(powers, power{Warning, fmt.Sprintf("has the ADMIN OPTION on role %s, and so can grant it to others", m.Role)})
		}
	}
	return powers
}

// reached is a role that another one is a member of, and by way of which roles.
type reached struct{ name, path string }

// reach returns all roles that the role can use, become or grant to itself. The path of each begins with the role's own membership.
func (f *facts) reach(role postgres.AuditRole) []reached {
	var all []reached
	seen := map[string]bool{role.Name: true}
	type step struct {
		role *postgres.AuditRole
		path string
	}
	for queue := []step{{&role, ""}}; len(queue) > 0; queue = queue[1:] {
		for _, m := range queue[0].role.MemberOf {
			if seen[m.Role] || !m.Inherit && !m.Set && !m.Admin {
				continue
			}
			seen[m.Role] = true
			path := m.Role
			if queue[0].path != "" {
				path = queue[0].path + " > " + m.Role
			}
			all = append(all, reached{m.Role, path})
			if next := f.role(m.Role); next != nil {
				queue = append(queue, step{next, path})
			}
		}
	}
	return all
}

// takePower returns the command that takes the attributes and memberships away.
func (f *facts) takePower(role postgres.AuditRole) string {
	var statements, attributes []string
	for attribute, has := range map[string]bool{"NOSUPERUSER": role.Superuser, "NOCREATEROLE": role.CreateRole, "NOBYPASSRLS": role.BypassRLS,
		"NOREPLICATION": role.Replication} {
		if has && (!role.Superuser || attribute == "NOSUPERUSER") {
			attributes = append(attributes, attribute)
		}
	}
	if len(attributes) > 0 {
		slices.Sort(attributes)
		statements = append(statements, "ALTER ROLE "+postgres.Identifier(role.Name)+" "+strings.Join(attributes, " "))
	}
	for _, m := range role.MemberOf {
		_, dangerous := predefined()[m.Role]
		below := role
		below.MemberOf = []postgres.AuditMembership{m}
		for _, r := range f.reach(below) {
			_, predefined := predefined()[r.name]
			dangerous = dangerous || predefined || f.superuser(r.name)
		}
		switch {
		case role.Superuser:
		case dangerous:
			statements = append(statements, fmt.Sprintf("REVOKE %s FROM %s", postgres.Identifier(m.Role), postgres.Identifier(role.Name)))
		case m.Admin:
			statements = append(statements, fmt.Sprintf("REVOKE ADMIN OPTION FOR %s FROM %s", postgres.Identifier(m.Role), postgres.Identifier(role.Name)))
		}
	}
	return f.sql("", strings.Join(statements, "; "))
}

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
			message += fmt.Sprintf("; %s continue until they end, and no new one can start", number(n, "session"))
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
		found = append(found, Finding{Code: OrphanedRole, Severity: Warning, Namespace: role.Owner.Namespace, Object: "role/" + role.Name,
			Message: fmt.Sprintf("its comment names a binding in namespace %s, which has no Secret there", role.Owner.Namespace), Fix: f.prune(role.Owner.Namespace)})
	}
	return found
}

func (f *facts) orphaned(role postgres.AuditRole) bool {
	return role.Owner.ID != "" && f.cluster.secretsRead && f.cluster.covers(role.Owner.Namespace) &&
		!f.cluster.bindingIDs[role.Owner.Namespace+"/"+role.Owner.ID]
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
		finding := Finding{Code: UnusedRole, Severity: Info, Object: "role/" + role.Name, Message: "it has no session now, and no pod template is known to use it",
			Fix: f.sql("", "ALTER ROLE "+postgres.Identifier(role.Name)+" NOLOGIN")}
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
		found = append(found, Finding{Code: PasswordsDiffer, Severity: Critical, Object: "role/" + role,
			Message: "Secrets hold different passwords, of which at most one is right: " + strings.Join(slices.Compact(names), ", "), Fix: f.setPassword(role)})
	}
	return found
}
