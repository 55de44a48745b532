// Package harden revokes from PUBLIC what no access level grants: what every role of a server has in its databases.
package harden

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Server reads and revokes the privileges of PUBLIC on one server. *postgres.Server implements it.
type Server interface {
	Databases(ctx context.Context) (*postgres.Contents, error)
	PublicGrants(ctx context.Context, databases []string) ([]postgres.PublicGrant, map[string]error, error)
	RevokePublic(ctx context.Context, grants []postgres.PublicGrant) ([]string, []postgres.Unfinished, error)
}

// Hardener plans and revokes.
type Hardener struct {
	Server func(*server.Endpoint) Server
	Report report.Reporter
}

// Plan is what is revoked on one server.
type Plan struct {
	Grants []postgres.PublicGrant // to revoke
	Kept   []postgres.PublicGrant // that this administrator cannot revoke

	server Server
}

// Plan reads what PUBLIC has in a database, or in all databases if the name is empty, on the candidate that is no
// standby. It changes nothing. It warns about databases that it cannot read.
func (h *Hardener) Plan(ctx context.Context, candidates []*server.Endpoint, database string) (plan *Plan, err error) {
	err = postgres.OnPrimary(candidates, func(candidate *server.Endpoint) error {
		s := h.Server(candidate)
		contents, err := s.Databases(ctx)
		switch {
		case err != nil:
			return err
		case contents.Standby:
			return postgres.ErrStandby
		}
		plan, err = h.plan(ctx, s, contents, database)
		return err
	})
	return plan, err
}

func (h *Hardener) plan(ctx context.Context, s Server, contents *postgres.Contents, database string) (*Plan, error) {
	databases := contents.Databases
	if database != "" {
		if !slices.Contains(databases, database) {
			return nil, fmt.Errorf("database %q does not exist or accepts no connections: name another one with --dbname", database)
		}
		databases = []string{database}
	}
	grants, unread, err := s.PublicGrants(ctx, databases)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		h.Report.Warn("skipping database %q: %v", name, unread[name])
	}
	plan := &Plan{server: s}
	for _, g := range grants {
		switch {
		case database != "" && g.Database != "" && g.Database != database:
		case g.May:
			plan.Grants = append(plan.Grants, g)
		default:
			plan.Kept = append(plan.Kept, g)
		}
	}
	return plan, nil
}

// Revoke revokes what the plan lists and nothing else, and reads again whether PUBLIC still has it. An error names what remains.
func (h *Hardener) Revoke(ctx context.Context, plan *Plan) error {
	did, unfinished, err := plan.server.RevokePublic(ctx, plan.Grants)
	for _, statement := range did {
		h.Report.Detail("%s", statement)
	}
	errs := []error{err}
	for _, u := range unfinished {
		errs = append(errs, fmt.Errorf("not revoked: %s", u))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: run the same command again", err)
	}
	return h.verify(ctx, plan)
}

// verify finds what a REVOKE did not remove, because it removes only what the owner granted.
func (h *Hardener) verify(ctx context.Context, plan *Plan) error {
	var databases []string
	revoked := map[[2]string]bool{}
	for _, g := range plan.Grants {
		revoked[[2]string{g.In, g.Close}] = true
		if !slices.Contains(databases, g.In) {
			databases = append(databases, g.In)
		}
	}
	grants, unread, err := plan.server.PublicGrants(ctx, databases)
	if err != nil {
		return fmt.Errorf("verify what was revoked: %w", err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		errs = append(errs, fmt.Errorf("verify what was revoked in database %q: %w", name, unread[name]))
	}
	for _, g := range grants {
		if revoked[[2]string{g.In, g.Close}] {
			errs = append(
				errs,
				fmt.Errorf("PUBLIC still has %s in database %q, granted by another role than the owner: revoke it as that role",
					g.What, g.In),
			)
		}
	}
	return errors.Join(errs...)
}
