package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// PublicGrant is a privilege of PUBLIC, and so of every role of the server.
type PublicGrant struct {
	What  string `json:"what"`  // CONNECT on database shop
	Close string `json:"close"` // the statement that revokes it
	May   bool   `json:"may"`   // the administrator can run that statement

	Database string   `json:"database"` // empty: a privilege on a schema
	In       string   `json:"-"`        // the database in which Close runs
	Roles    []string `json:"-"`        // roles that are not of pgbind and have the privilege from nobody else
}

// PublicGrants reads the privileges of PUBLIC on all databases and on the schemas of the named ones, and who relies on
// them. It changes nothing. A database that it cannot enter has an error of its own. Errors of all: ErrStandby,
// *AdminLoginError, *UnknownError.
func (s *Server) PublicGrants(ctx context.Context, databases []string) (grants []PublicGrant, unread map[string]error, err error) {
	unread, seen := map[string]error{}, map[string]bool{}
	reports := s.forEach(ctx, len(databases), func(sc *script, items []int) {
		for at, i := range items {
			sc.number(i).enter(databases[i]).set("every_database", boolean(at == 0)).run("public_privileges", "public_users")
		}
	})
	for i, report := range reports {
		if ofAll(report.err) {
			return nil, nil, report.err
		}
		if report.err != nil {
			unread[databases[i]] = report.err
			continue
		}
		relying, err := relyingOn(report.output)
		if err != nil {
			return nil, nil, err
		}
		for _, g := range report.output.Public {
			// The first database of a session reports the privileges on all databases.
			if g.Database != "" && seen[g.Close] {
				continue
			}
			g.In, g.Roles = databases[i], relying[g.Close]
			seen[g.Close], grants = true, append(grants, g)
		}
	}
	return grants, unread, nil
}

// relyingOn returns the roles of each statement.
func relyingOn(out *output) (map[string][]string, error) {
	roles := map[string][]string{}
	for _, text := range out.reports {
		var line struct {
			Relying struct {
				Close string   `json:"close"`
				Roles []string `json:"roles"`
			} `json:"relying"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("read what psql reported: %w", err)
		}
		if line.Relying.Close != "" {
			roles[line.Relying.Close] = line.Relying.Roles
		}
	}
	return roles, nil
}

// RevokePublic runs the statements of grants that PublicGrants returned, as far as PUBLIC still has them. It returns
// what it revoked, also with an error, and what other sessions prevented. It is idempotent. The errors are joined.
func (s *Server) RevokePublic(ctx context.Context, grants []PublicGrant) (did []string, unfinished []Unfinished, err error) {
	var databases []string
	confirmed := map[string][]string{}
	for _, g := range grants {
		if confirmed[g.In] == nil {
			databases = append(databases, g.In)
		}
		confirmed[g.In] = append(confirmed[g.In], g.Close)
	}
	reports := s.forEach(ctx, len(databases), func(sc *script, items []int) {
		for at, i := range items {
			sc.number(i).enter(databases[i]).set("every_database", boolean(at == 0), "confirmed", sc.json(confirmed[databases[i]]))
			sc.run("begin_changes").change("public_privileges", "public_confirmed").run("end_changes")
		}
	})
	var errs []error
	for i, report := range reports {
		did, unfinished = append(did, report.did...), append(unfinished, report.output.Unfinished...)
		if report.err != nil {
			errs = append(errs, fmt.Errorf("database %q: %w", databases[i], report.err))
		}
	}
	return did, unfinished, errors.Join(errs...)
}
