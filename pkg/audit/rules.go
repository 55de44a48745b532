package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// trustRules reports the rules of pg_hba.conf that ask for no password. The first rule that fits a connection decides,
// so that those after a rule for everybody never apply.
func trustRules(f *facts) []Finding {
	var found []Finding
	var local []string
	all4, all6 := false, false
	for _, rule := range f.audit.Rules {
		trusts, remote := rule.Method == "trust", isRemote(rule)
		switch {
		case trusts && !remote:
			local = append(local, fmt.Sprint(rule.Line))
		case trusts && (!all4 || !all6 && (strings.Contains(rule.Address, ":") || rule.Address == "all")):
			found = append(found, Finding{
				Code:     TrustRule,
				Severity: Critical,
				Object:   fmt.Sprintf("pg_hba.conf:%d", rule.Line),
				Message: fmt.Sprintf(
					"the rule lets %s log in to %s from %s without a password", names("users", rule.Users),
					names("databases", rule.Databases), origin(rule),
				),
				Fix: f.askForPasswords(rule),
			})
		}
		if remote && rule.Type == "host" && slices.Contains(rule.Users, "all") && slices.Contains(rule.Databases, "all") {
			all4 = all4 || rule.Address == "all" || rule.Address == "0.0.0.0" && rule.Netmask == "0.0.0.0"
			all6 = all6 || rule.Address == "all" || rule.Address == "::" && rule.Netmask == "::"
		}
	}
	if len(local) > 0 {
		found = append(found, Finding{Code: LocalTrust, Severity: Info, Object: "pg_hba.conf:" + strings.Join(local, ","),
			Message: fmt.Sprintf("a user who can run a program in pod/%s can log in there without a password", f.server.Pod),
			Fix:     report.Command("kubectl", "auth", "can-i", "--list", "-n", f.server.Namespace)})
	}
	return found
}

// isRemote reports whether the rule is for connections from outside of the server's Pod.
func isRemote(rule postgres.AuditRule) bool {
	if rule.Type == "local" || rule.Address == "samehost" {
		return false
	}
	addr, err := netip.ParseAddr(rule.Address)
	return err != nil || !addr.IsLoopback()
}

func names(kind string, list []string) string {
	if slices.Contains(list, "all") {
		return "all " + kind
	}
	return kind + " " + strings.Join(list, ", ")
}

func origin(rule postgres.AuditRule) string {
	if rule.Netmask != "" {
		return rule.Address + " with netmask " + rule.Netmask
	}
	return map[bool]string{true: "everywhere", false: rule.Address}[rule.Address == "all"]
}

// publicCreate reports schemas in which every login can create objects, which others then run by their unqualified names.
func publicCreate(f *facts) []Finding {
	var found []Finding
	for _, s := range f.audit.Creates {
		found = append(found, Finding{
			Code:     PublicCreate,
			Severity: Warning,
			Object:   "database/" + s.Database,
			Message: fmt.Sprintf(
				"every login of the server can create functions and tables in schema %s, which others use by their unqualified names",
				s.Schema,
			),
			Fix: f.sql(s.Database, "REVOKE CREATE ON SCHEMA "+postgres.Identifier(s.Schema)+" FROM PUBLIC"),
		})
	}
	return found
}

// publicConnect reports what every login can do with databases.
func publicConnect(f *facts) []Finding {
	var databases, statements []string
	for _, d := range f.audit.Databases {
		if d.Connectable && !d.Template && slices.Contains(d.Public, "CONNECT") {
			databases = append(databases, d.Name)
			statements = append(
				statements,
				fmt.Sprintf("REVOKE %s ON DATABASE %s FROM PUBLIC", strings.Join(d.Public, ", "), postgres.Identifier(d.Name)),
			)
		}
	}
	if len(databases) == 0 {
		return nil
	}
	return []Finding{
		{
			Code:     PublicConnect,
			Severity: Info,
			Object:   "PUBLIC",
			Message: fmt.Sprintf(
				"every login of the server can connect to %s; the fix also stops roles without a grant of their own",
				strings.Join(databases, ", "),
			),
			Fix: f.sql("", strings.Join(statements, "; ")),
		},
	}
}

// shadows reports schemas that are called like a role and in which other roles can create.
func shadows(f *facts) []Finding {
	var found []Finding
	for _, s := range f.audit.Shadows {
		found = append(found, Finding{
			Code:     Shadow,
			Severity: Warning,
			Object:   "database/" + s.Database,
			Message: fmt.Sprintf(
				"unqualified names in the sessions of role %s mean what %s can create in schema %s", s.Schema,
				strings.Join(s.Creators, ", "), s.Schema,
			),
			Fix: f.sql(
				s.Database,
				fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", postgres.Identifier(s.Schema), postgres.Identifier(s.Schema+"_app")),
			),
		})
	}
	return found
}

// overloads reports functions and operators that can run in place of those of pg_catalog.
func overloads(f *facts) []Finding {
	var found []Finding
	for _, o := range f.audit.Overloads {
		found = append(found, Finding{
			Code:     Overload,
			Severity: Info,
			Object:   "database/" + o.Database,
			Message: fmt.Sprintf(
				"%s of role %s can run in place of the one of pg_catalog for roles with schema %s in their search_path",
				o.Object, o.Owner, o.Schema,
			),
			Fix: f.sql(o.Database, `\dn+ `+postgres.Identifier(o.Schema)),
		})
	}
	return found
}

// notSeen reports a gap.
func notSeen(object, gap string) Finding {
	return Finding{Code: NotSeen, Severity: Info, Object: object, Message: gap, Page: NotSeen.Page()}
}

// notSeenOf reports what the audit could not see of this server.
func notSeenOf(f *facts) []Finding {
	gaps := slices.Clone(f.gaps)
	for what, read := range map[string]bool{
		"the kinds of passwords, for which the administrator must be superuser":             f.audit.Access.Passwords,
		"the rules of pg_hba.conf, for which the administrator must be superuser":           f.audit.Access.Rules,
		"sessions of other roles, for which the administrator must be in pg_read_all_stats": f.audit.Access.Sessions,
	} {
		if !read {
			gaps = append(gaps, "not seen: "+what)
		}
	}
	for database, err := range f.audit.Unread {
		gaps = append(gaps, fmt.Sprintf("database %s cannot be read: %v", database, err))
	}
	if n := max(f.standbys, f.audit.Access.Replication); n > 0 {
		gaps = append(gaps, "sessions on standbys and replicas are not seen")
	}
	slices.Sort(gaps)
	var found []Finding
	for _, gap := range gaps {
		found = append(found, notSeen("pod/"+f.server.Pod, gap))
	}
	return found
}
