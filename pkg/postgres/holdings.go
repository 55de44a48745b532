package postgres

import (
	"context"
	"fmt"
	"slices"
)

// Holdings is what the login roles of one binding hold on a server, and what uses them.
type Holdings struct {
	Databases []HeldDatabase
	Roles     []Holder // one for each generation that is there
}

// HeldDatabase is a database in which one of the roles owns something or was granted something.
type HeldDatabase struct {
	Name string `json:"name"`
	Open bool   `json:"open"` // takes connections
}

// Holder is one login role.
type Holder struct {
	Role     string     `json:"role"`
	OID      int64      `json:"oid"`    // tells the role from a later one of its name
	Access   string     `json:"access"` // the access role that it is a member of; empty: none
	Level    string     `json:"level"`  // of Access
	Heir     string     `json:"heir"`   // the role that takes over what Role owns
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
	Granted  int      `json:"granted"` // what Loses holds beside default privileges
	Owns     []string `json:"owns"`
	Loses    []string `json:"loses"` // grants, policies, user mappings, default privileges
	// Definers are SECURITY DEFINER functions that run as Role or its access role for everyone who may execute them.
	Definers []string `json:"definers"`
}

// Holdings finds the login roles whose comments name owner, whatever their generation, and role, and what they hold. It changes
// nothing. Errors: ErrStandby, *ForeignRoleError where one of them is not the binding's, *SQLError.
func (s *Server) Holdings(ctx context.Context, owner Owner, role string) (*Holdings, error) {
	out, err := s.held(ctx, new(script).subjects(subject{Name: role, Claim: owner.claim()}).owner(owner).set("kin", "true"))
	if err != nil {
		return nil, err
	}
	holdings := &Holdings{Databases: out.Held.Databases}
	if len(out.Held.Roles) == 0 {
		return holdings, nil
	}
	if out, err = s.report(ctx, holdingsScript(owner, s.Database, out.Held)); err != nil {
		return nil, err
	}
	for _, holder := range out.holders {
		holder.Objects = slices.DeleteFunc(slices.Clone(out.objects), func(o Objects) bool { return o.Role != holder.Role })
		holdings.Roles = append(holdings.Roles, holder)
	}
	return holdings, nil
}

// held lists the roles that a script has set, and their databases.
func (s *Server) held(ctx context.Context, sc *script) (*output, error) {
	out, err := s.report(ctx, sc.set("run", scriptRun, "leaving", "true").run("session", "judge", "held", "end"))
	if err == nil && out.Held == nil {
		return nil, fmt.Errorf("psql in %s did not tell which roles there are: run the command again", s.Container)
	}
	return out, err
}

// holdingsScript asks for each role, and in each database that can be entered, the bound one first, where shared objects are counted.
func holdingsScript(owner Owner, bound string, h *held) *script {
	sc := new(script).set("run", scriptRun, "leaving", "true").owner(owner).run("session")
	for _, role := range h.Roles {
		sc.subjects(subject{Name: role, Claim: owner.claim()}).run("judge", "heir", "holder")
	}
	for _, database := range h.entered(bound) {
		sc.connect(database).run("session").set("shared", boolean(database == bound))
		for _, role := range h.Roles {
			sc.set("subject", role).run("objects")
		}
	}
	return sc.run("end")
}

// entered lists the databases that can be entered: the bound one, and those in which something is held.
func (h *held) entered(bound string) []string {
	names := []string{bound}
	for _, database := range h.Databases {
		if database.Open && database.Name != bound {
			names = append(names, database.Name)
		}
	}
	return names
}
