package bind

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

func withKeys(keys KeyOptions) func(*Options) { return func(o *Options) { o.Keys = keys } }

func TestKeysCanBeAskedForLater(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	require.NoError(t, w.bind(t.Context(), withKeys(KeyOptions{Keys: []credentials.Key{credentials.KeyURI}, CA: "PEM"})))
	assert.Equal(t, []string{"secret/postgresql-secret-2 configured", "deployment.apps/web bound"}, w.results, "the workload notes the key")
	assert.Equal(t, []string{"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_URI", "POSTGRES_USERNAME", "ca.crt"}, slices.Sorted(maps.Keys(w.secret().Data)))
	assert.Contains(t, string(w.secret().Data["POSTGRES_URI"]), "sslmode=verify-ca")
	w.assertBound()
	w.assertNoPassword(nil)

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.results[0])
	assert.Len(t, w.secret().Data, 5, "what was asked for once stays")
}

func TestSecondSecretForServiceBinding(t *testing.T) {
	binding := withKeys(KeyOptions{ServiceBinding: true, SSLMode: "disable"})
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), binding))
	second, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName+"-binding")
	require.NoError(t, err)
	found, _ := second.(*corev1.Secret)
	assert.Equal(t, w.role.password, string(found.Data["password"]))
	assert.Contains(t, string(found.Data["uri"]), "?sslmode=disable")
	assert.Len(t, w.current.Template().Spec.Containers[0].EnvFrom, 1, "it is never used by envFrom")

	require.NoError(t, w.bind(t.Context(), binding), "said twice")
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.results[0])
}

func TestSecondSecretOfSomebodyElse(t *testing.T) {
	w := newWorld(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName + "-binding"}})
	err := w.bind(t.Context(), withKeys(KeyOptions{ServiceBinding: true}))
	require.ErrorContains(t, err, "secret/postgresql-secret-2-binding")
	w.assertUntouched()
}
