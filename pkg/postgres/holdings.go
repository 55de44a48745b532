package postgres

import (
	"context"
	"fmt"
	"slices"
)

// Holdings is what the login roles of one binding hold on a server, and what uses them.
type Holdings struct {
	Databases []HeldDatabase
	Roles     []RoleDependencies // one for each generation that is there
}

// HeldDatabase is a database in which one of the roles owns something or was granted something.
type HeldDatabase struct {
	Name string `json:"name"`
	Open bool   `json:"open"` // takes connections
}

// RoleDependencies is one login role, and what prevents its drop.
type RoleDependencies struct {
	Role     string     `json:"role"`
	OID      int64      `json:"oid"`      // tells the role from a later one of its name
	Access   string     `json:"access"`   // the access role that it is a member of; empty: none
	Level    string     `json:"level"`    // of Access
	NewOwner string     `json:"newOwner"` // the role that takes over what Role owns
	CanLogin bool       `json:"canLogin"`
	Members  []string   `json:"members"` // roles that were made members of Role
	Sessions []Sessions `json:"sessions"`
	Prepared []Prepared `json:"prepared"`
	Objects  []Objects  `json:"-"` // a database each
}

// Sessions counts a role's open sessions of one state in one database.
type Sessions struct {
	Database string `json:"database"`
	State    string `json:"state"`
	Count    int    `json:"count"`
}

// Prepared is a prepared transaction, which blocks everything that takes something away from its role.
type Prepared struct {
	Name     string `json:"name"`
	Database string `json:"database"`
}

// Objects is what a role owns in a database, and what it would lose. The lists end after 50 entries.
type Objects struct {
	Role     string   `json:"role"`
	Database string   `json:"database"`
	Owned    int      `json:"owned"`
	Granted  int      `json:"granted"` // what Loses has apart from default privileges
	Owns     []string `json:"owns"`
	Loses    []string `json:"loses"` // grants, policies, user mappings, default privileges
	// Definers are SECURITY DEFINER functions that run as Role or its access role for everyone who may execute them.
	Definers []string `json:"definers"`
}

// Found is what a binding's login roles hold.
type Found struct {
	Holdings *Holdings
	Err      error
}

// Holdings finds, for each of the bindings that own the roles, the login roles whose comments name the owner, whatever
// their generation, and the role itself, and what they hold. It changes nothing. The errors are ErrStandby,
// *ForeignRoleError if one of them does not belong to the binding, and *SQLError. The results are in the order of the
// roles.
func (s *Server) Holdings(ctx context.Context, roles []LoginRole) []Found {
	found := make([]Found, len(roles))
	lookups, known := s.held(ctx, len(roles), func(sc *script, i int) { sc.loginRole(roles[i]).set("kin", "true") })
	for i, lookup := range lookups {
		if found[i].Err = lookup.err; lookup.err == nil {
			found[i].Holdings = &Holdings{Databases: lookup.output.Held.Databases}
		}
	}
	known = slices.DeleteFunc(known, func(i int) bool { return len(lookups[i].output.Held.Roles) == 0 })
	reports := s.forEach(ctx, len(known), func(sc *script, items []int) {
		generations := func(i int) []string { return lookups[known[i]].output.Held.Roles }
		for _, i := range items {
			sc.number(i).owner(roles[known[i]].Owner)
			for _, role := range generations(i) {
				sc.subjects(
					subject{Name: role, Claim: roles[known[i]].Owner.claim()},
				).run(
					"verify_ownership",
					"choose_new_owner",
					"role_dependencies",
				)
			}
		}
		for at, database := range s.databases(items, func(i int) []HeldDatabase { return found[known[i]].Holdings.Databases }) {
			for _, i := range database.items {
				sc.number(i).enter(database.name).set("shared", boolean(at == 0)) // shared objects are counted once
				for _, role := range generations(i) {
					sc.set("subject", role).run("report_objects")
				}
			}
		}
	})
	for at, report := range reports {
		f := &found[known[at]]
		if f.Err = s.addCause(ctx, "", report.err); f.Err != nil {
			f.Holdings = nil
			continue
		}
		for _, holder := range report.output.holders {
			holder.Objects = slices.DeleteFunc(slices.Clone(report.output.objects), func(o Objects) bool { return o.Role != holder.Role })
			f.Holdings.Roles = append(f.Holdings.Roles, holder)
		}
	}
	return found
}

// held lists the roles that name sets for each item, and their databases, and returns the items for which that succeeded.
func (s *Server) held(ctx context.Context, items int, name func(sc *script, i int)) (reports []itemReport, known []int) {
	reports = s.forEach(ctx, items, func(sc *script, items []int) {
		for _, i := range items {
			name(sc.number(i), i)
			sc.run("verify_ownership", "databases_of_role")
		}
	})
	for i := range reports {
		switch r := &reports[i]; {
		case r.err != nil:
			r.err = s.addCause(ctx, "", r.err)
		case r.output.Held == nil:
			r.err = fmt.Errorf("psql in %s did not report which roles exist: run the command again", s.Container)
		default:
			known = append(known, i)
		}
	}
	return reports, known
}
