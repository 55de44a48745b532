package prune

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// world records the calls and fails the test on an unexpected one.
type world struct {
	t       *testing.T
	did     []string
	unbinds map[string]error // by workload
	holds   map[string]error // by role
	standby int              // Pods that are standbys
}

func (w *world) ReadWorkloads(_ context.Context, items []*unbind.Item) {
	for _, i := range items {
		assert.Equal(w.t, "ns", i.Namespace)
		w.did = append(w.did, "read "+i.Name)
	}
}

func (w *world) Unbind(_ context.Context, items []*unbind.Item, _ unbind.Options) error {
	var errs []error
	for _, i := range items {
		err, expected := w.unbinds[i.Name]
		assert.True(w.t, expected, "unexpected unbind of %s", i.Name)
		assert.Equal(w.t, server.Choice{Container: "db"}, i.Choice)
		w.did = append(w.did, "unbind "+i.Namespace+" "+i.Name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (w *world) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	assert.Equal(w.t, server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}, ref)
	return []*server.Endpoint{
		{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}}},
		{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "b"}}},
	}, nil
}

func (w *world) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	var found []postgres.Found
	for _, role := range roles {
		assert.Equal(w.t, postgres.Owner{ID: "abc", Namespace: "ns"}, role.Owner)
		switch {
		case w.standby > 0:
			found = append(found, postgres.Found{Err: postgres.ErrStandby})
		default:
			w.did = append(w.did, "holdings "+role.Name)
			found = append(found, postgres.Found{Holdings: &postgres.Holdings{}, Err: w.holds[role.Name]})
		}
	}
	w.standby--
	return found
}

func (w *world) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	for _, role := range roles {
		w.did = append(w.did, "disable "+role.Name)
	}
	return make([]postgres.Change, len(roles))
}

func (w *world) Sessions(_ context.Context, roles []postgres.LoginRole) []postgres.Count {
	return make([]postgres.Count, len(roles))
}

func (w *world) EndSessions(context.Context, []postgres.LoginRole) []postgres.Change {
	w.t.Error("unexpected call of EndSessions")
	return nil
}

func (w *world) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	for _, role := range roles {
		w.did = append(w.did, "drop "+role.Name)
	}
	return make([]postgres.Change, len(roles))
}

func (w *world) Done(object, verb string) { w.did = append(w.did, object+" "+verb) }
func (*world) Bound(*v1alpha1.Binding)    {}
func (*world) Step(string, ...any)        {}
func (*world) Detail(string, ...any)      {}
func (*world) Warn(string, ...any)        {}
func (*world) Show(string)                {}
func orphanedRole(name string) check.Finding {
	return check.Finding{
		Reason: check.OrphanedRole, Namespace: "ns", Role: name,
		Server: server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}, Owner: postgres.Owner{ID: "abc", Namespace: "ns"},
	}
}

func newPruner(t *testing.T, w *world) *Pruner {
	t.Helper()
	w.t = t
	return &Pruner{
		Unbinder:  w,
		Endpoints: w,
		Report:    w,
		Choice:    server.Choice{Container: "db"},
		Roles:     func(*server.Endpoint) droprole.Roles { return w },
	}
}

func TestPrunable_ExcludesUnknown(t *testing.T) {
	var all check.Findings
	for _, reason := range []check.Reason{
		check.LoginFailed, check.NoRole, check.ForeignRole, check.NoSecret, check.BadSecret, check.Unreferenced, check.StalePods, check.Lacks, check.Exceeds,
		check.Mismatch, check.Expired, check.OrphanedSecret, check.OrphanedRole, check.Unfinished, check.Leftover, check.NotVerified, check.Unknown, check.OK,
	} {
		all = append(all, check.Finding{Reason: reason})
	}
	assert.Equal(t, check.Findings{{Reason: check.Expired}, {Reason: check.OrphanedSecret}, {Reason: check.OrphanedRole}}, Prunable(all))
}

func TestPrune_ContinuesAfterError(t *testing.T) {
	w := &world{
		unbinds: map[string]error{"deployment.apps/web": nil, "deployment.apps/gone": errors.New("still used")}, standby: 1,
		holds: map[string]error{"pgb_abc_2": &postgres.ForeignRoleError{Role: "pgb_abc_2", Verdict: "foreign"}},
	}
	_, err := newPruner(t, w).Prune(t.Context(), check.Findings{
		{Reason: check.Expired, Namespace: "ns", Workload: "deployment.apps/web", Secret: "old"},
		orphanedRole("pgb_abc_1"),
		{Reason: check.OrphanedSecret, Namespace: "ns", Workload: "deployment.apps/gone", Secret: "left"},
		orphanedRole("pgb_abc_2"), orphanedRole("pgb_abc_3"),
	})
	require.ErrorContains(t, err, "still used")
	require.ErrorContains(t, err, `namespace ns: role "pgb_abc_2" exists`)
	assert.Equal(t, []string{
		"read deployment.apps/web", "unbind ns deployment.apps/web", "unbind ns deployment.apps/gone",
		"holdings pgb_abc_1", "holdings pgb_abc_2", "holdings pgb_abc_3", "disable pgb_abc_1", "disable pgb_abc_3",
		"drop pgb_abc_1", "drop pgb_abc_3", "role/pgb_abc_1 dropped", "role/pgb_abc_3 dropped",
	}, w.did, "the workload of an orphaned Secret is not read, and the roles of a server are dropped together")
}

func TestPrune_KeepsForeignRole(t *testing.T) {
	w := &world{holds: map[string]error{"pgb_abc_1": &postgres.ForeignRoleError{Role: "pgb_abc_1"}}}
	_, err := newPruner(t, w).Prune(t.Context(), check.Findings{orphanedRole("pgb_abc_1")})
	require.Error(t, err)
	assert.Equal(t, []string{"holdings pgb_abc_1"}, w.did)
}

func TestPrune_StopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	cancel(cause)
	w := &world{}
	_, err := newPruner(t, w).Prune(ctx, check.Findings{orphanedRole("pgb_abc_1")})
	require.ErrorIs(t, err, cause)
	assert.Empty(t, w.did)
}
