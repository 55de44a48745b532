package audit

import (
	"cmp"
	"slices"
)

// Candidate is a workload that a takeover moves to a login of its own.
type Candidate struct {
	Workload string // as kubectl accepts it
	Server   string // NAMESPACE/KIND/NAME
	Database string // empty: unknown
}

// Candidates returns the workloads of a namespace that log in to a server as a superuser, or as a role that another workload uses too. The
// database is the one that the workload uses most. The login of a binding is no reason: it has its workload already.
func (r *Report) Candidates(namespace string) []Candidate {
	users, byWorkload := usersOf(r.Accesses), map[Candidate][]Access{}
	for _, a := range r.Accesses {
		shared := len(users[roleOf(a)]) > 1 && !r.isBound(a.Server, a.Role)
		if a.Source == FromWorkload && a.Namespace == namespace && (a.Superuser || shared) {
			key := Candidate{Workload: a.Workload, Server: a.Server}
			byWorkload[key] = append(byWorkload[key], a)
		}
	}
	var found []Candidate
	for c, accesses := range byWorkload {
		c.Database = databaseOf(accesses)
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Server, b.Server))
	})
	return found
}

// isBound reports whether the role is the login of a binding.
func (r *Report) isBound(server, role string) bool {
	for _, s := range r.Servers {
		if s.Name == server {
			return slices.ContainsFunc(s.Roles, func(known Role) bool { return known.Name == role && known.Bound })
		}
	}
	return false
}
