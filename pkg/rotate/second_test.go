package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
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
		c, _ := credentials.Of(w.secret())
		c.Port, c.Database = 5433, "shop"
		second := credentials.NewServiceBinding(w.secret(), c)
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
		w.fail["rollout to "+second] = errBroken
		require.ErrorIs(w.t, w.rotate(), errBroken)
		assert.Equal(w.t, first+" p1", login(w))
	})
}
