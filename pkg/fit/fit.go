// Package fit finds out which access level would be enough for a binding: it has the server plan the statements that
// the application executed, as a temporary role of a narrower level.
package fit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Server reads what a server counted, and creates and drops temporary roles. *postgres.Server implements it.
type Server interface {
	droprole.Roles
	Counted(ctx context.Context, database string, roles []string) (*postgres.Counted, error)
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	Explain(ctx context.Context, r postgres.Request, texts []string) ([]string, error)
	Purge(ctx context.Context, roles []string) []postgres.Purged
}

// Endpoints finds the servers that a reference can mean. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Fitter finds the narrowest level that is enough.
type Fitter struct {
	Endpoints Endpoints
	Server    func(e *server.Endpoint, database string) Server
	Report    report.Reporter
	Choice    server.Choice
}

// Fit is the answer about one binding.
type Fit struct {
	Binding *inventory.Entry
	Level   postgres.Level // of the binding
	Enough  postgres.Level // the narrowest level under which every statement that could be judged is allowed; empty: unknown
	// Judged and Skipped count statements: those that the server planned or whose first word decides, and those that it
	// cannot plan, such as COPY.
	Judged, Skipped int
	Since           time.Time // when the server began to count; zero: unknown
	Discards        int64     // how often it discarded the statements executed least since then, because it had no room for more
	Reason          string
}

// Fit answers for each binding, in their order. It creates a temporary role for each narrower level that it tries, and drops it.
func (f *Fitter) Fit(ctx context.Context, bindings []inventory.Entry) ([]Fit, error) {
	fits := make([]Fit, len(bindings))
	for i := range bindings {
		b := &bindings[i]
		access := b.AccessRole()
		fits[i] = Fit{Binding: b, Level: access.Level}
		if err := f.fit(ctx, &fits[i], access); err != nil {
			return nil, fmt.Errorf("find the level that is enough for %s in namespace %s: %w", b.Marks.Workload, b.Namespace, err)
		}
	}
	return fits, nil
}

func (f *Fitter) fit(ctx context.Context, fit *Fit, access postgres.Access) error {
	switch {
	case access.Level == postgres.ReadOnly:
		fit.Enough, fit.Reason = postgres.ReadOnly, "no level is narrower"
		return nil
	case access.Isolated != "":
		fit.Reason = "the binding is isolated: no role of another level can use its objects"
		return nil
	}
	ref, err := server.RefOf(fit.Binding.Marks.WithDefaults(fit.Binding.Namespace))
	if err != nil {
		return err
	}
	candidates, err := f.Endpoints.Candidates(ctx, ref, f.Choice)
	if err != nil {
		return err
	}
	return postgres.OnPrimary(candidates, func(e *server.Endpoint) error {
		return (&trial{Fit: fit, access: access, endpoint: e, server: f.Server(e, access.Database), report: f.Report}).run(ctx)
	})
}

// trial is the search for the level of one binding, on one server.
type trial struct {
	*Fit
	access   postgres.Access
	endpoint *server.Endpoint
	server   Server
	report   report.Reporter
}

func (t *trial) run(ctx context.Context) error {
	roles := []string{t.Binding.Marks.Role}
	if t.access.Level == postgres.All {
		roles = append(roles, t.access.Role()) // as which its sessions act
	}
	counted, err := t.server.Counted(ctx, t.access.Database, roles)
	if err != nil {
		return err
	}
	t.Since, t.Discards = counted.Since, counted.Discards
	switch {
	case counted.Schema == "":
		t.Reason = "the server does not count statements: it needs shared_preload_libraries = pg_stat_statements, and CREATE EXTENSION pg_stat_statements in database " + t.access.Database
		return nil
	case len(counted.Statements) == 0:
		t.Reason = "the server counted no statement of this application"
		return nil
	}
	return t.judge(ctx, counted)
}

// judge tries the narrower levels, the narrowest first.
func (t *trial) judge(ctx context.Context, counted *postgres.Counted) error {
	if statement := OwnerStatement(counted); statement != "" {
		t.Enough, t.Reason, t.Judged = postgres.All, "needs the owner: "+statement, len(counted.Statements)
		return nil
	}
	var texts []string
	for _, s := range counted.Statements {
		if s.NeedsNothing() {
			t.Judged++
		} else {
			texts = append(texts, s.Text)
		}
	}
	for _, level := range narrower(t.access.Level) {
		states, err := t.explain(ctx, level, texts)
		if err != nil {
			return err
		}
		refused := slices.Index(states, postgres.InsufficientPrivilege)
		if refused >= 0 {
			t.Reason = fmt.Sprintf("%s is not enough for: %s", level, excerpt(texts[refused]))
			continue
		}
		t.Enough = level
		break
	}
	if t.Enough == "" {
		t.Enough = t.access.Level
	}
	t.Judged += len(texts) - t.Skipped
	return nil
}

// OwnerStatement returns the beginning of a counted statement that only the owner of an object can execute, on one line:
// it needs the level all. It is empty if the server counted none.
func OwnerStatement(counted *postgres.Counted) string {
	for _, s := range counted.Statements {
		if s.NeedsOwner() {
			return excerpt(s.Text)
		}
	}
	return ""
}

// narrower returns the levels that grant less, the narrowest first.
func narrower(level postgres.Level) []postgres.Level {
	levels := postgres.Levels()
	slices.Reverse(levels)
	return slices.DeleteFunc(levels, func(l postgres.Level) bool { return !level.Wider(l) })
}

// dropTime limits the removal of a temporary role, also after the end of the context.
const dropTime = time.Minute

// explain has the statements planned as a temporary role of the level, and counts what could be judged.
func (t *trial) explain(ctx context.Context, level postgres.Level, texts []string) (states []string, err error) {
	request := t.request(level)
	var created postgres.Creation
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
		defer cancel()
		err = errors.Join(err, t.drop(within, request, created))
	}()
	created = t.server.CreateAll(ctx, []postgres.Request{request})[0]
	if created.Err != nil {
		return nil, fmt.Errorf("create a temporary role of level %s: %w", level, created.Err)
	}
	if states, err = t.server.Explain(ctx, request, texts); err != nil {
		return nil, fmt.Errorf("plan statements as role %q: %w", request.Role.Name, err)
	}
	skipped := 0
	for _, state := range states {
		if state != "00000" && state != postgres.InsufficientPrivilege {
			skipped++
		}
	}
	t.Skipped = skipped
	return states, nil
}

// request returns a login role of its own for a level.
func (t *trial) request(level postgres.Level) postgres.Request {
	access := t.access
	access.Level = level
	run := secret.NewRun()
	id := "fit" + run
	return postgres.Request{
		Role: postgres.RoleSpec{
			Name: secret.RoleName(id, 1), Access: access,
			Owner: postgres.Owner{ID: id, Run: run, Namespace: t.Binding.Namespace},
		},
		Login: postgres.Login{
			Password: secret.NewPassword(),
			Set:      true,
			PodIP:    t.endpoint.PodIP,
			Port:     t.endpoint.PodPort,
			PodPort:  t.endpoint.PodPort,
		},
	}
}

// drop drops a temporary role, and the access role of its level if it was created with it and no other role is a member now.
func (t *trial) drop(ctx context.Context, r postgres.Request, created postgres.Creation) error {
	retirer := &droprole.Retirer{Roles: t.server, Report: t.report}
	found := retirer.Survey(ctx, []postgres.LoginRole{{Owner: r.Role.Owner, Name: r.Role.Name}})[0]
	if found.Err != nil {
		return fmt.Errorf("drop the temporary role %q: %w", r.Role.Name, found.Err)
	}
	var roles []*droprole.Role
	for _, holder := range found.Holdings.Roles {
		roles = append(roles, droprole.RoleOf(r.Role.Owner, found.Holdings, holder.Role))
	}
	retirer.LockOut(ctx, roles)
	retirer.Drop(ctx, roles)
	for _, role := range roles {
		if role.Err != nil {
			return fmt.Errorf("drop the temporary role: %w", role.Err)
		}
	}
	newRole := func(statement string) bool { return strings.HasPrefix(statement, "CREATE ROLE ") }
	if created.Result == nil || !slices.ContainsFunc(created.Result.Did, newRole) {
		return nil
	}
	if purged := t.server.Purge(ctx, []string{r.Role.Access.Role()})[0]; purged.Err != nil {
		return fmt.Errorf("drop role %q, which no binding uses: %w", r.Role.Access.Role(), purged.Err)
	}
	return nil
}

// excerpt is the beginning of a statement, on one line.
func excerpt(text string) string {
	const length = 80
	line := strings.Join(strings.Fields(text), " ")
	if runes := []rune(line); len(runes) > length {
		return string(runes[:length]) + "…"
	}
	return line
}
