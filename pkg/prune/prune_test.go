package prune

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world records the calls and fails the test on an unexpected one.
type world struct {
	t       *testing.T
	did     []string
	unbinds map[string]error // by Secret
	holds   error
	standby int // Pods that are standbys
}

func (w *world) Lookup(_ context.Context, namespace string, args []string) ([]workload.Named, error) {
	assert.Equal(w.t, "ns", namespace)
	w.did = append(w.did, "lookup "+args[0])
	return []workload.Named{{Name: args[0]}}, nil
}

func (w *world) Unbind(_ context.Context, n unbind.Subject, o unbind.Options) error {
	err, expected := w.unbinds[o.Secret]
	assert.True(w.t, expected, "unexpected unbind of secret %s", o.Secret)
	w.did = append(w.did, "unbind "+n.Namespace+" "+n.Name+" "+o.Secret)
	return err
}

func (w *world) Candidates(_ context.Context, ref target.Ref, _ target.Choice) ([]*target.Database, error) {
	assert.Equal(w.t, target.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}, ref)
	return []*target.Database{{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}, {Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "b"}}}}, nil
}

func (w *world) Holdings(_ context.Context, owner postgres.Owner, role string) (*postgres.Holdings, error) {
	assert.Equal(w.t, postgres.Owner{ID: "abc", Namespace: "ns"}, owner)
	if w.standby > 0 {
		w.standby--
		return nil, postgres.ErrStandby
	}
	w.did = append(w.did, "holdings "+role)
	return &postgres.Holdings{}, w.holds
}

func (w *world) Disable(_ context.Context, _ postgres.Owner, role string) error {
	w.did = append(w.did, "disable "+role)
	return nil
}

func (w *world) Sessions(context.Context, postgres.Owner, string) (int, error) { return 0, nil }

func (w *world) EndSessions(context.Context, postgres.Owner, string) error {
	w.t.Error("unexpected call of EndSessions")
	return nil
}

func (w *world) Drop(_ context.Context, _ postgres.Owner, role string, _ []postgres.HeldDatabase) ([]string, error) {
	w.did = append(w.did, "drop "+role)
	return nil, nil
}

func (w *world) Done(object, verb string) { w.did = append(w.did, object+" "+verb) }
func (*world) Bound(*v1alpha1.Binding)    {}
func (*world) Step(string, ...any)        {}
func (*world) Warn(string, ...any)        {}
func (*world) Show(string)                {}
func orphanedRole() check.Finding {
	return check.Finding{
		Reason: check.OrphanedRole, Namespace: "ns", Role: "pgb_abc_1",
		Server: target.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}, Owner: postgres.Owner{ID: "abc", Namespace: "ns"},
	}
}

func newPruner(t *testing.T, w *world) *Pruner {
	t.Helper()
	w.t = t
	return &Pruner{Workloads: w, Unbinder: w, Databases: w, Report: w, Roles: func(*target.Database) retire.Roles { return w }}
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
	w := &world{unbinds: map[string]error{"old": nil, "left": errors.New("still used")}, standby: 1}
	err := newPruner(t, w).Prune(t.Context(), check.Findings{
		{Reason: check.Expired, Namespace: "ns", Workload: "deployment.apps/web", Secret: "old"},
		{Reason: check.OrphanedSecret, Namespace: "ns", Workload: "deployment.apps/gone", Secret: "left"},
		orphanedRole(),
	})
	require.EqualError(t, err, "namespace ns: still used", "Prune continues after an error")
	assert.Equal(t, []string{
		"lookup deployment.apps/web", "unbind ns deployment.apps/web old",
		"unbind ns deployment.apps/gone left",
		"holdings pgb_abc_1", "disable pgb_abc_1", "drop pgb_abc_1", "role/pgb_abc_1 dropped",
	}, w.did)
}

func TestPrune_KeepsForeignRole(t *testing.T) {
	w := &world{holds: &postgres.ForeignRoleError{Role: "pgb_abc_1"}}
	require.Error(t, newPruner(t, w).Prune(t.Context(), check.Findings{orphanedRole()}))
	assert.Equal(t, []string{"holdings pgb_abc_1"}, w.did)
}

func TestPrune_StopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	cancel(cause)
	w := &world{}
	require.ErrorIs(t, newPruner(t, w).Prune(ctx, check.Findings{orphanedRole()}), cause)
	assert.Empty(t, w.did)
}
