package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
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
		powers = append(
			powers,
			power{
				Critical,
				"has CREATEROLE, and so can make itself a member of any role that is no superuser, pg_execute_server_program included",
			},
		)
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
			powers = append(
				powers,
				power{Critical, fmt.Sprintf("is a member of %s, a superuser, and becomes that role with SET ROLE", r.path)},
			)
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
			statements = append(
				statements,
				fmt.Sprintf("REVOKE ADMIN OPTION FOR %s FROM %s", postgres.Identifier(m.Role), postgres.Identifier(role.Name)),
			)
		}
	}
	return f.sql("", strings.Join(statements, "; "))
}
