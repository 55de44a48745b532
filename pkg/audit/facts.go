package audit

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// facts is everything that was read about one server.
type facts struct {
	now       time.Time
	server    Server
	ref       server.Ref
	container string
	admin     []string
	standbys  int
	audit     *postgres.Audit
	cluster   *cluster
	services  serviceNames
	accesses  []Access
	gaps      []string // what could not be read for this server
}

// findings judges the facts.
func (f *facts) findings() []Finding {
	var found []Finding
	for _, judge := range []func(*facts) []Finding{
		superuserWorkloads, trustRules, powerfulRoles, differentPasswords, sharedRoles, weakPasswords, expiredRoles,
		publicCreate, shadows, orphanedRoles, unexplainedSessions, poolers, unusedRoles, overloads, publicConnect, notSeenOf,
	} {
		for _, finding := range judge(f) {
			finding.Server, finding.Page = f.server.Name, finding.Code.Page()
			found = append(found, finding)
		}
	}
	return found
}

func (f *facts) role(name string) *postgres.AuditRole {
	i := slices.IndexFunc(f.audit.Roles, func(r postgres.AuditRole) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &f.audit.Roles[i]
}

func (f *facts) superuser(name string) bool {
	role := f.role(name)
	return role != nil && role.Superuser
}

func (f *facts) podAt(address string) *corev1.Pod {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	return f.cluster.index.byIP[addr.Unmap()]
}

// loginRoles returns the roles that can log in, without PostgreSQL's own and the superuser that initdb created.
func (f *facts) loginRoles() []postgres.AuditRole {
	return slices.DeleteFunc(
		slices.Clone(f.audit.Roles),
		func(r postgres.AuditRole) bool { return !r.CanLogin || r.Predefined || r.Bootstrap },
	)
}

// sessionsOf returns the sessions of a role by their source; all sources if none is given.
func (f *facts) sessionsOf(role string, sources ...Source) int {
	count := 0
	for _, a := range f.accesses {
		if a.Role == role && (len(sources) == 0 || slices.Contains(sources, a.Source)) {
			count += a.Sessions
		}
	}
	return count
}

// used reports whether a session or a pod template uses the role.
func (f *facts) used(role string) bool {
	return slices.ContainsFunc(f.accesses, func(a Access) bool { return a.Role == role })
}

// roles summarizes the roles that can log in.
func (f *facts) roles() []Role {
	roles := []Role{}
	for _, r := range f.audit.Roles {
		if !r.CanLogin || r.Predefined {
			continue
		}
		role := Role{
			Name:       r.Name,
			Superuser:  r.Superuser,
			Bound:      r.Owner.ID != "",
			Password:   r.Password,
			ValidUntil: r.ValidUntil,
			Sessions:   f.sessionsOf(r.Name),
		}
		for _, o := range f.audit.Owners {
			if o.Role == r.Name {
				role.Relations, role.Routines = role.Relations+o.Relations, role.Routines+o.Routines
			}
		}
		for _, s := range f.audit.Statements {
			if s.Role == r.Name {
				role.Statements, role.Calls = s.Statements, s.Calls
			}
		}
		roles = append(roles, role)
	}
	slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	return roles
}
