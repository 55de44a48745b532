package bind

import (
	"context"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// roleState is a login role of the world.
type roleState struct {
	name, mark, run, password string
	granted                   bool
}

func (w *world) CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation {
	require.Len(w.t, requests, 1)
	made, result, err := w.create(ctx, requests[0].Binding, requests[0].Login)
	return []postgres.Creation{{Made: made, Outcome: postgres.Outcome{Result: result, Err: err}}}
}

func (w *world) create(ctx context.Context, b postgres.Binding, l postgres.Login) (made bool, result *postgres.Result, err error) {
	w.asked = append(w.asked, w.server)
	if err := w.fault("createuser"); err != nil {
		return false, nil, err
	}
	if w.primary != "" && w.server != w.primary {
		return false, nil, postgres.ErrStandby
	}
	if w.turnTo(b.Role) {
		return false, nil, postgres.ErrExists
	}
	w.log = append(w.log, "createuser")
	if w.role != nil {
		w.others = append(w.others, w.role)
	}
	w.role = &roleState{name: b.Role}
	if err := w.lose["createuser"]; err != nil {
		return false, nil, err
	}
	result, err = w.Bind(ctx, b, l)
	return true, result, err
}

func (w *world) Bind(_ context.Context, b postgres.Binding, l postgres.Login) (*postgres.Result, error) {
	if err := w.fault("psql"); err != nil {
		return nil, err
	}
	if w.primary != "" && w.server != w.primary {
		return nil, postgres.ErrStandby
	}
	switch {
	case !w.turnTo(b.Role) || !l.Set && w.role.password == "":
		return nil, postgres.ErrIncomplete
	case w.role.mark != "" && w.role.mark != b.Owner.ID:
		return nil, &postgres.ForeignRoleError{Role: b.Role, Verdict: "foreign"}
	}
	result := &postgres.Result{Host: l.Host, Reached: l.Host, Verified: true, SSL: true}
	if !w.role.granted {
		result.Did = []string{"GRANT"}
	}
	w.role.granted = true
	if l.Set {
		w.log = append(w.log, "psql")
		w.role.mark, w.role.run, w.role.password = b.Owner.ID, b.Owner.Run, l.Password
		if err := w.fault("proof"); err != nil {
			return nil, err
		}
	}
	if l.Password != w.role.password {
		return result, &postgres.LoginError{Message: "no"}
	}
	return result, w.lose["psql"]
}

func (w *world) LastRun(context.Context, string) (string, error) { return w.role.run, nil }

func (w *world) Undo(_ context.Context, b postgres.Binding) ([]string, error) {
	if err := w.fault("drop role"); err != nil {
		return nil, err
	}
	if !w.turnTo(b.Role) || w.role.run != "" && w.role.run != b.Owner.Run {
		return nil, nil
	}
	w.log = append(w.log, "drop role")
	w.role = nil
	return []string{"DROP ROLE"}, nil
}

// turnTo makes the role of that name the one that the world speaks of, and says whether there is one.
func (w *world) turnTo(role string) bool {
	if w.role != nil && w.role.name == role {
		return true
	}
	i := slices.IndexFunc(w.others, func(other *roleState) bool { return other.name == role })
	if i < 0 {
		return false
	}
	found := w.others[i]
	w.others = slices.Delete(w.others, i, i+1)
	if w.role != nil {
		w.others = append(w.others, w.role)
	}
	w.role = found
	return true
}
