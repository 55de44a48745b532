package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// hand writes the login of a role to the Secret, as another run does.
func (w *world) hand(role string, generation int) {
	w.t.Helper()
	stored := w.secret().DeepCopy()
	marks, _ := secret.MarksOf(stored)
	marks.Role, marks.Generation, marks.Run = role, generation, "other"
	require.NoError(w.t, secret.Renew(stored, marks, secret.Credentials{Host: "svc.ns", Username: role, Password: w.passes[role]}))
	stored.ResourceVersion = "other's " + role
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
}

// afterPlan lets another run do something after this one has planned: at its first write, which is the dry run of the Secret.
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

// rotated is the result of a complete rotation by another run.
func (w *world) rotated() {
	w.passes[second], w.pods = "theirs", second
	w.hand(second, 2)
	delete(w.passes, first)
}

func TestRotate_KeepsRoleOfOtherRun(t *testing.T) {
	t.Run("other run succeeds", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.afterPlan(w.rotated)
			require.NoError(w.t, w.rotate())
			assert.Equal(w.t, "theirs", w.passes[second])
			w.assertOnly(second)
		})
	})
	t.Run("this run fails", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.afterPlan(w.rotated)
			w.Fail["password of "+second] = errBroken
			require.ErrorIs(w.t, w.rotate(), errBroken)
			assert.Equal(w.t, map[string]string{second: "theirs"}, w.passes)
			assert.False(w.t, w.locked[second])
		})
	})
}

func TestRotate_KeepsRoleThatEarlierRunRestores(t *testing.T) {
	inWorld(t, func(w *world) {
		w.passes[second] = "p2"
		w.hand(second, 2)
		w.Then["rollout to "+second] = func() {
			w.hand(first, 1)
			delete(w.passes, second)
			w.pods = first
		}
		require.ErrorContains(w.t, w.rotate(), "no longer holds the login")
		assert.Equal(w.t, map[string]string{first: "p1"}, w.passes)
		assert.False(w.t, w.locked[first])
	})
}

func TestRotate_StopsIfUnbound(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Then["secret of "+second] = func() {
			require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
			w.setWorkload(corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}})
			key, err := secret.AnnotationKey(secretName)
			require.NoError(w.t, err)
			w.workload.SetAnnotation(key, "")
			delete(w.passes, first)
			w.pods = ""
		}
		require.ErrorIs(w.t, w.rotate(), errUnbound)
		assert.Empty(w.t, w.passes)
		assert.Empty(w.t, w.Warned)
	})
}

// TestRotate_JudgesReferenceByPodTemplate rotates a binding whose reference comes from a manifest, without an annotation.
func TestRotate_JudgesReferenceByPodTemplate(t *testing.T) {
	inWorld(t, func(w *world) {
		key, err := secret.AnnotationKey(secretName)
		require.NoError(w.t, err)
		w.workload.SetAnnotation(key, "")
		require.NoError(w.t, w.rotate())
		assert.Empty(w.t, w.workload.Annotations())
		assert.Equal(w.t, second, w.pods)
		assert.NotContains(w.t, w.passes, first)
	})
}

func TestRotate_RefusesIncompleteBinding(t *testing.T) {
	inWorld(t, func(w *world) {
		w.setWorkload(corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}})
		key, err := secret.AnnotationKey(secretName)
		require.NoError(w.t, err)
		w.workload.SetAnnotation(key, "")
		require.ErrorContains(w.t, w.rotate(), "finish that first: kubectl pgbind deployment.apps/web -n ns")
		assert.Empty(w.t, w.Log)
	})
}
