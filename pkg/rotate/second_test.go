package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func TestRotate_UpdatesSecondSecret(t *testing.T) {
	secrets := corev1.SchemeGroupVersion.WithResource("secrets")
	login := func(w *world) string {
		object, err := w.kube.Tracker().Get(secrets, "ns", secretName+"-binding")
		require.NoError(w.t, err)
		data := object.(*corev1.Secret).Data
		assert.Equal(w.t, "5433 shop x", string(data["port"])+" "+string(data["database"])+" "+string(data["theirs"]))
		return string(data["username"]) + " " + string(data["password"])
	}
	newBound := func(w *world) {
		bound := w.secret()
		bound.Data["POSTGRES_PORT"], bound.Data["POSTGRES_DB"] = []byte("5433"), []byte("shop")
		require.NoError(w.t, w.kube.Tracker().Update(secrets, bound, "ns"))
		c, _ := secret.Of(bound)
		second, err := secret.NewServiceBinding(bound, c)
		require.NoError(w.t, err)
		second.Data["theirs"] = []byte("x")
		require.NoError(w.t, w.kube.Tracker().Create(secrets, second, "ns"))
	}
	inWorld(t, func(w *world) {
		newBound(w)
		require.NoError(w.t, w.rotate())
		assert.Equal(w.t, second+" "+w.passes[second], login(w))
	})
	inWorld(t, func(w *world) {
		newBound(w)
		w.Fail["rollout to "+second] = errBroken
		require.ErrorIs(w.t, w.rotate(), errBroken)
		assert.Equal(w.t, first+" p1", login(w))
	})
}
