package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// hand has the Secret hand over the login of a role, as another run writes it.
func (w *world) hand(role string, generation int) {
	w.t.Helper()
	secret := w.secret().DeepCopy()
	marks, _ := credentials.MarksOf(secret)
	marks.Role, marks.Generation, marks.Run = role, generation, "other"
	credentials.Renew(secret, marks, credentials.Credentials{Host: "svc.ns", Username: role, Password: w.passes[role]})
	secret.ResourceVersion = "other's " + role
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), secret, "ns"))
}

// afterPlan has another run do something when this one has planned: at its first write, which is the Secret's dry run.
func (w *world) afterPlan(do func()) {
	planned := false
	w.kube.PrependReactor("update", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) {
		if !planned {
			planned = true
			do()
		}
		return false, nil, nil
	})
}

// rotated is what a whole rotation of another run leaves.
func (w *world) rotated() {
	w.passes[second], w.pods = "theirs", second
	w.hand(second, 2)
	delete(w.passes, first)
}

func TestARoleThatAnotherRunHandedOverIsLeftAlone(t *testing.T) {
	t.Run("by a run that goes on with it", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.afterPlan(w.rotated)
			require.NoError(w.t, w.rotate())
			assert.Equal(w.t, "theirs", w.passes[second])
			w.assertOnly(second)
		})
	})
	t.Run("by a run that fails", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.afterPlan(w.rotated)
			w.fail["password of "+second] = errBroken
			require.ErrorIs(w.t, w.rotate(), errBroken)
			assert.Equal(w.t, map[string]string{second: "theirs"}, w.passes)
			assert.False(w.t, w.locked[second])
		})
	})
}

func TestARoleIsNotDroppedWhenTheEarlierRunPutsItBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.passes[second] = "p2"
		w.hand(second, 2)
		w.then["rollout to "+second] = func() {
			w.hand(first, 1)
			delete(w.passes, second)
			w.pods = first
		}
		require.ErrorContains(w.t, w.rotate(), "no longer holds the login")
		assert.Equal(w.t, map[string]string{first: "p1"}, w.passes)
		assert.False(w.t, w.locked[first])
	})
}

func TestABindingThatIsTakenBackIsLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		w.then["secret of "+second] = func() {
			require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
			w.setWorkload(corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}})
			key, err := credentials.AnnotationKey(secretName)
			require.NoError(w.t, err)
			w.workload.SetAnnotation(key, "")
			delete(w.passes, first)
			w.pods = ""
		}
		require.ErrorIs(w.t, w.rotate(), errUnbound)
		assert.Empty(w.t, w.passes)
		assert.Empty(w.t, w.warned)
	})
}

func TestABindingThatIsNotWholeYetIsLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		key, err := credentials.AnnotationKey(secretName)
		require.NoError(w.t, err)
		w.workload.SetAnnotation(key, "")
		require.ErrorContains(w.t, w.rotate(), "finish that first with: kubectl pgbind deployment.apps/web -n ns")
		assert.Empty(w.t, w.log)
	})
}
