package fix

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world records what the fixer does, and fails the test on an unexpected call.
type world struct {
	t     *testing.T
	did   []string
	stale int   // Pods
	fails error // of a bind
	kind  appsv1.StatefulSetUpdateStrategyType
}

func (w *world) Done(object, verb string) { w.did = append(w.did, object+" "+verb) }
func (w *world) Step(string, ...any)      {}
func (w *world) Detail(string, ...any)    {}
func (w *world) Warn(string, ...any)      { w.t.Error("unexpected warning") }
func (w *world) Show(string)              { w.t.Error("unexpected text") }

func (w *world) Get(_ context.Context, namespace string, args []string) ([]*workload.Workload, error) {
	assert.Equal(w.t, []string{"ns", "statefulset.apps/web"}, append([]string{namespace}, args...))
	of, err := workload.Of(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web"}, Spec: appsv1.StatefulSetSpec{
		UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: w.kind},
		Template:       corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}},
	}})
	require.NoError(w.t, err)
	return []*workload.Workload{of}, nil
}

func (w *world) StalePods(_ context.Context, _ *workload.Workload, secret string, _ time.Time) ([]*corev1.Pod, error) {
	assert.Equal(w.t, "web", secret)
	return make([]*corev1.Pod, w.stale), nil
}

func (w *world) Patch(
	_ context.Context, of *workload.Workload, change func(*workload.Workload) error, dryRun bool,
) (*workload.Workload, bool, error) {
	assert.False(w.t, dryRun)
	changed := of.DeepCopy()
	require.NoError(w.t, change(changed))
	assert.Contains(w.t, changed.Template().Annotations, "kubectl.kubernetes.io/restartedAt")
	w.did = append(w.did, "patch")
	return changed, true, nil
}

func (w *world) WaitRollout(context.Context, *workload.Workload, func(string)) error {
	w.did = append(w.did, "wait")
	return nil
}

func (w *world) Replace(_ context.Context, _ *workload.Workload, pods []*corev1.Pod, _ func(string)) error {
	assert.Len(w.t, pods, w.stale)
	w.did = append(w.did, "replace")
	return nil
}

// fixer returns a Fixer of a cluster with the Secret of a binding.
func (w *world) fixer() (*Fixer, *fake.Clientset) {
	marks := secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Workload: "statefulset.apps/web", Postgres: "pod/pg-0", DBName: "shop", Access: "all"},
		BindingStatus: v1alpha1.BindingStatus{ID: "abc", Role: "pgb_abc_1", Generation: 1},
	}
	stored, err := secret.NewSecret(
		types.NamespacedName{Namespace: "ns", Name: "web"}, marks,
		secret.Credentials{Host: "h", Username: "pgb_abc_1", Password: "p", Database: "shop"},
	)
	require.NoError(w.t, err)
	kube := fake.NewClientset(stored)
	return &Fixer{
		Kube: kube, Workloads: w, Report: w, Options: binding.Options{Timeout: time.Minute, FieldManager: "me"},
		Bind: func(_ context.Context, items []*binding.Item) error {
			for _, i := range items {
				assert.Equal(w.t, binding.Options{Timeout: time.Minute, FieldManager: "me"}, i.Options)
				w.did = append(w.did, "bind "+i.Document.Namespace+" "+i.Spec.Workload+" "+i.Spec.DBName)
			}
			return w.fails
		},
		Rotate: func(_ context.Context, bindings []*inventory.Binding) error {
			for _, b := range bindings {
				w.did = append(w.did, "rotate "+b.SecretName)
			}
			return nil
		},
		Remove: func(_ context.Context, found check.Findings) error {
			for _, f := range found {
				w.did = append(w.did, "remove "+string(f.Reason))
			}
			return nil
		},
	}, kube
}

func finding(reason check.Reason, action check.Action) check.Finding {
	return check.Finding{
		Reason: reason, Namespace: "ns", Workload: "statefulset.apps/web", Secret: "web", Role: "pgb_abc_1", ID: "abc",
		Fix: check.Fix{Action: action, Spec: v1alpha1.BindingSpec{Workload: "statefulset.apps/web", Postgres: "pod/pg-0", DBName: "shop"}},
	}
}

func run(t *testing.T, w *world, found ...check.Finding) error {
	t.Helper()
	w.t = t
	f, _ := w.fixer()
	return f.Run(t.Context(), (&Planner{}).Plan(found))
}

func TestRun_GroupsByPipeline(t *testing.T) {
	w := &world{stale: 2}
	orphan := check.Finding{Reason: check.OrphanedRole, Namespace: "ns", Role: "pgb_x_1", Fix: check.Fix{Action: check.Remove}}
	other := finding(check.NoRole, check.Bind)
	other.Workload, other.Secret, other.Fix.Spec.Workload = "deployment.apps/api", "api", "deployment.apps/api"
	require.NoError(
		t,
		run(
			t, w, orphan, finding(check.Leftover, check.Rotate), finding(check.StalePods, check.Restart),
			finding(check.Lacks, check.Bind), other,
		),
	)
	assert.Equal(t, []string{
		"bind ns statefulset.apps/web shop", "bind ns deployment.apps/api shop", "patch", "wait", "statefulset.apps/web restarted",
		"rotate web", "remove OrphanedRole",
	}, w.did)
}

func TestRun_ContinuesAfterAnError(t *testing.T) {
	w := &world{fails: errors.New("no server")}
	err := run(t, w, finding(check.Lacks, check.Bind), finding(check.Leftover, check.Rotate))
	require.EqualError(t, err, "no server")
	assert.Equal(t, []string{"bind ns statefulset.apps/web shop", "rotate web"}, w.did)
}

func TestRun_RestartsOnlyStalePods(t *testing.T) {
	w := &world{}
	require.NoError(t, run(t, w, finding(check.StalePods, check.Restart)))
	assert.Empty(t, w.did, "a bind of the same run has replaced them")
	w = &world{stale: 1, kind: appsv1.OnDeleteStatefulSetStrategyType}
	require.NoError(t, run(t, w, finding(check.StalePods, check.Restart)))
	assert.Equal(t, []string{"replace", "statefulset.apps/web restarted"}, w.did)
}

func TestRun_DeletesOnlyTheSecretOfTheBinding(t *testing.T) {
	for id, want := range map[string][]string{"abc": {"secret/web deleted", "bind ns statefulset.apps/web shop"}, "other": nil} {
		w := &world{t: t}
		f, kube := w.fixer()
		found := finding(check.BadSecret, check.Recreate)
		found.ID = id
		err := f.Run(t.Context(), (&Planner{}).Plan(check.Findings{found}))
		_, errGet := kube.CoreV1().Secrets("ns").Get(t.Context(), "web", metav1.GetOptions{})
		assert.Equal(t, want, w.did)
		if id == "abc" {
			require.NoError(t, err)
			require.Error(t, errGet)
			continue
		}
		require.ErrorContains(t, err, "belongs to another binding by now")
		require.NoError(t, errGet)
	}
}

func TestRun_ReturnsCauseOfContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	cancel(cause)
	w := &world{t: t}
	f, _ := w.fixer()
	require.ErrorIs(t, f.Run(ctx, (&Planner{}).Plan(check.Findings{finding(check.Lacks, check.Bind)})), cause)
	assert.Empty(t, w.did)
}
