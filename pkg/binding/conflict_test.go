package binding

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func TestTwoRunsAtOnceConverge(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	w.before["create secrets"] = func() {
		// The other run sets its own password and is first with its Secret.
		other.roles = w.roles
		require.NoError(t, other.bind(context.Background()))
		require.NoError(t, w.kube.Tracker().Add(other.secret()))
		w.workloads["web"] = other.workloads["web"]
	}
	require.NoError(t, w.bind(t.Context()))
	w.assertBound()
}

func TestAnotherRunMayChangeThePasswordBeforeTheProof(t *testing.T) {
	w := newWorld(t)
	w.before["proof"] = func() { w.role().run, w.role().password = "another", "another" }
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"createuser", "psql", "psql", "create secrets", "patch", "rollout"}, w.log)
	w.assertBound()
}

func TestARoleThatAnotherRunHasReplacedIsNotMadeAgain(t *testing.T) {
	t.Run("a rotation ends before this run looks at the role", func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, w.bind(t.Context()))
		w.before["psql"] = w.rotated
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
		require.NotNil(t, w.role(), "the only one")
	})
	t.Run("a run that found the Secret of an earlier binding gone is first", func(t *testing.T) {
		w := newWorld(t)
		w.before["create secrets"] = func() {
			first := newWorld(t)
			require.NoError(t, first.bind(t.Context()))
			first.rotated()
			require.NoError(t, w.kube.Tracker().Add(first.secret()))
			w.workloads["web"], w.roles[first.role().name] = first.workloads["web"], first.role()
		}
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
		require.NotNil(t, w.role(), "the only one")
	})
}

// rotated is what a whole rotation leaves of a binding.
func (w *world) rotated() {
	w.t.Helper()
	stored := w.secret().DeepCopy()
	marks, _ := secret.MarksOf(stored)
	c, _ := secret.Of(stored)
	marks.Generation++
	marks.Run, marks.Role = "rotation", secret.RoleName(marks.ID, marks.Generation)
	c.Username, c.Password = marks.Role, "rotated"
	require.NoError(w.t, secret.Renew(stored, marks, c))
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
	w.roles = map[string]*roleState{marks.Role: {name: marks.Role, mark: marks.ID, run: marks.Run, password: "rotated", granted: true}}
	key, err := secret.AnnotationKey(secretName)
	require.NoError(w.t, err)
	w.workloads["web"] = w.workloads["web"].DeepCopy()
	w.workloads["web"].SetAnnotation(key, marks.Note().Value())
}

func TestALoginThatFailsOtherwiseIsNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.before["proof"] = func() { w.role().password = "another" }
	login := new(postgres.LoginError)
	require.ErrorAs(t, w.bind(t.Context()), &login)
	assert.Equal(t, []string{"createuser", "psql", "drop role"}, w.log)
	w.assertUntouched()
}

func TestTheUndoOfAnotherRunIsMadeGood(t *testing.T) {
	t.Run("its role goes before the password is set", func(t *testing.T) {
		w := newWorld(t)
		w.before["psql"] = func() { clear(w.roles) }
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
	})
	t.Run("its Secret goes while this run relies on it", func(t *testing.T) {
		first := newWorld(t)
		require.NoError(t, first.bind(t.Context()))
		w := newWorld(t, first.secret())
		w.roles = first.roles
		w.before["patch"] = func() {
			require.NoError(t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
		}
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
		require.NotNil(t, w.role(), "the only one")
	})
}

func TestASecretOfThisBindingIsFoundUnderAnyName(t *testing.T) {
	died := newWorld(t)
	require.NoError(t, died.bind(t.Context(), func(i *Item) { i.Spec.Secret = "chosen" }))
	left, err := died.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", "chosen")
	require.NoError(t, err)
	w := newWorld(t, left)
	w.roles = died.roles
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "secret/chosen unchanged", w.Results[0])
	require.ErrorContains(t, w.bind(t.Context(), func(i *Item) { i.Spec.Secret = "other" }), "secret/chosen")
}

func TestBind_RefusesDefaultNamesThatAreTaken(t *testing.T) {
	for name, mayList := range map[string]bool{"listed": true, "tried one by one": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, taken := range []string{secretName, "web-pgbind"} {
				foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: taken}}
				require.NoError(t, w.kube.Tracker().Add(foreign))
			}
			if !mayList {
				w.fail["list secrets"] = errRefused
			}
			require.ErrorContains(
				t, w.bind(t.Context()),
				"secret/web-pgbind in namespace ns: it exists and does not belong to this binding: choose another name with --secret",
			)
			assert.Empty(t, w.roles)
		})
	}
}

func TestBind_NamesASecondSecretAfterTheDatabase(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.DBName, i.Spec.EnvPrefix = "Shop_EU", "SHOP_" }))
	assert.Equal(t, "secret/web-pgbind-shop-eu created", w.Results[len(w.Results)-2])
}

func TestASecretWhoseNameSomebodyTookIsReplaced(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	secrets := corev1.SchemeGroupVersion.WithResource("secrets")
	require.NoError(t, w.kube.Tracker().Delete(secrets, "ns", secretName))
	require.NoError(t, w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName}}))
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "secret/web-pgbind created", w.Results[0])
	references := w.workloads["web"].Template().Spec.Containers[0].EnvFrom
	require.Len(t, references, 1)
	assert.Equal(t, "web-pgbind", references[0].SecretRef.Name)
	assert.Len(t, secret.AnnotationsOf(w.workloads["web"].Annotations()), 1)
	assert.Empty(t, w.secret().Data)
}

// TestRun_ObservesAWorkloadAgainThatWasBoundMeanwhile has another run bind the workload before the dry run of the patch, and before the patch.
func TestRun_ObservesAWorkloadAgainThatWasBoundMeanwhile(t *testing.T) {
	for _, request := range []string{"try patch", "patch"} {
		t.Run(request, func(t *testing.T) { testBoundMeanwhile(t, request) })
	}
}

func testBoundMeanwhile(t *testing.T, request string) {
	t.Helper()
	w := newWorld(t)
	w.before[request] = func() {
		other := newWorld(t)
		require.NoError(t, other.bind(context.Background(), func(i *Item) { i.Spec.Secret = "of-another-run" }))
		left, err := other.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", "of-another-run")
		require.NoError(t, err)
		require.NoError(t, w.kube.Tracker().Add(left))
		w.workloads, w.roles = other.workloads, other.roles
	}
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/of-another-run unchanged", "deployment.apps/web unchanged"}, w.Results)
	assert.Nil(t, w.secret(), "it is rolled back")
	require.NotNil(t, w.role(), "the only one")
}
