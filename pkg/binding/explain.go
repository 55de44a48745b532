package binding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// explain reports what was granted, and what was not.
func (i *Item) explain() {
	r, role := i.result, i.plan.role.Name
	for _, statement := range r.Did {
		i.Report.Detail("%s", statement)
	}
	if before, now := i.plan.previous.Access, i.plan.spec.Access; before != "" && before != now {
		i.Report.Step("access level %s instead of %s", now, before)
	}
	if len(r.Lacks) > 0 {
		i.Report.Warn(
			"role %q still lacks: %s; let the owner of these objects grant it, or name an --admin-user that may", role,
			strings.Join(r.Lacks, ", "),
		)
	}
	for _, schema := range r.NoSchemas {
		i.Report.Warn("schema %q does not exist: create it with --create-schema %s", schema, schema)
	}
	if e := r.Existing; e != nil {
		i.Report.Step("schema %q exists and belongs to role %q: it is used as it is", e.Schema, e.Owner)
	}
	for _, u := range r.Unfinished {
		i.Report.Warn("%s", u)
	}
	for _, w := range r.Withheld {
		i.Report.Warn(
			"%s is not granted: it %s; to let the application read it, run: GRANT SELECT ON %s TO a role of yours, and grant that role to %s",
			w.Relation,
			w.Reason,
			w.Relation,
			i.plan.role.Access.Role(),
		)
	}
	if r.Unowned != nil && len(r.Did) > 0 && i.plan.formerLogin == "" { // a takeover hands tables over after this
		i.Report.Step("%s", unowned(r.Unowned, i.plan.role.Access.Role()))
	}
	for _, c := range r.Creators {
		i.Report.Warn("%s may create objects, which can run as the application: it is therefore not isolated", c)
	}
	for _, e := range r.Escalations {
		i.Report.Warn("%s; to remove it: %s", e.What, e.Fix)
	}
	i.warnOfReplicas()
}

// unowned describes what an application with level all cannot do with the tables of others, and how to make it the owner of one.
func unowned(u *postgres.Unowned, role string) string {
	return fmt.Sprintf(
		"tables of others in the schemas: %d, foreign keys to them: %d; the application can use these tables, but not alter them or add foreign keys "+
			"to them; to make it the owner of one: ALTER TABLE %s OWNER TO %s",
		u.Tables,
		u.Keys,
		u.First,
		role,
	)
}

// explainLogin reports how far the login was verified, and what the level and the privileges of PUBLIC allow.
func (i *Item) explainLogin() {
	report.Login(i.Report, i.plan.role.Name, i.result)
	if len(i.result.Did) == 0 {
		return
	}
	for _, grant := range i.result.Public {
		i.Report.Detail("every role has %s; to revoke it, run kubectl pgbind harden, or: %s", grant.What, grant.Close)
	}
	if i.plan.role.Access.Level == postgres.All {
		i.Report.Detail(
			"level all also lets the application create objects, and alter and drop what it creates; --access readwrite or readonly gives less",
		)
	}
}

// warnOfDatabase warns once for each server if a new binding is to the database postgres, and the server has databases of applications. A
// takeover stays in the database of the former login.
func (r *run) warnOfDatabase(i *Item) {
	others := i.result.Others
	if len(others) == 0 || i.created != i.plan.role.Name || i.FormerLogin != "" {
		return
	}
	if _, again := r.warnedOf.LoadOrStore(i.plan.endpoint.Location, true); again {
		return
	}
	shown := slices.Clone(others[:min(len(others), shownDatabases)])
	if more := len(others) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	i.Report.Warn("the database is postgres, but %s also has: %s; if the application uses another one, unbind it, and bind it with %s",
		i.plan.server, strings.Join(shown, ", "), report.Command("--dbname="+others[0]))
}

// shownDatabases is the number of other databases that a warning names.
const shownDatabases = 5

// warnOfReplicas warns if the host can also lead to servers that accept no writes.
func (i *Item) warnOfReplicas() {
	e := i.plan.endpoint
	service, reaches := e.Service, e.HostReachesReplicas
	if held, ok := i.plan.heldHost(); ok {
		service, _, _ = strings.Cut(held.Host, ".")
		reaches = e.ReachesReplicas(held.Host)
	}
	if reaches {
		i.Report.Warn(
			"service/%s in namespace %s also leads to replicas, which accept no writes: create a Service for the primary alone and name it with --postgres or --host",
			service,
			e.Pod.Namespace,
		)
	}
}
