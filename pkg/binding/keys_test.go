package binding

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// withKeys requests keys, an sslmode and certificates.
func withKeys(sslMode, ca string, keys ...string) func(*Item) {
	return func(i *Item) { i.Spec.SSLMode, i.Options.Values.CA, i.Spec.Keys = sslMode, ca, keys }
}

func exact(i *Item) { i.Options.Exact = true }

func TestKeysCanBeAskedForLater(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	require.NoError(t, w.bind(t.Context(), withKeys("", "PEM", "uri")))
	assert.Equal(t, []string{"secret/postgresql-secret-2 configured", "deployment.apps/web bound"}, w.Results, "the workload notes the key")
	assert.Equal(
		t, []string{"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_URI", "POSTGRES_USERNAME", "ca.crt"},
		slices.Sorted(maps.Keys(w.secret().Data)),
	)
	assert.Contains(t, string(w.secret().Data["POSTGRES_URI"]), "sslmode=verify-ca")
	w.assertBound()
	w.assertNoPassword(nil)

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.Results[0])
	assert.Len(t, w.secret().Data, 5, "what was asked for once stays")
}

func TestAnOptionThatIsGivenAgainCounts(t *testing.T) {
	w := newWorld(t)
	strict := withKeys("verify-full", "PEM", "uri")
	require.NoError(t, w.bind(t.Context(), strict, func(i *Item) { i.Spec.Host, i.Spec.Port = "pooler.example.com", 6432 }))
	before := w.secret().DeepCopy()

	require.NoError(t, w.bind(t.Context(), withKeys("", "the next PEM")))
	assert.Equal(t, "secret/postgresql-secret-2 configured", w.Results[0])
	wanted := maps.Clone(before.Data)
	wanted["ca.crt"] = []byte("the next PEM")
	assert.True(t, maps.EqualFunc(wanted, w.secret().Data, slices.Equal), "nothing else has changed")
	marks, _ := secret.MarksOf(w.secret())
	assert.Equal(t, "pooler.example.com", marks.BindingSpec.Host)

	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Host, i.Spec.Port = "other.example.com", 6433 }))
	assert.Equal(t, "other.example.com", string(w.secret().Data["POSTGRES_HOST"]))
	assert.Contains(t, string(w.secret().Data["POSTGRES_URI"]), "@other.example.com:6433/")
	assert.Contains(t, string(w.secret().Data["POSTGRES_URI"]), "sslmode=verify-full")
	w.assertNoPassword(nil)

	require.NoError(t, w.bind(t.Context(), withKeys("", "", "uri"), exact))
	assert.Equal(t, "svc.ns.svc", string(w.secret().Data["POSTGRES_HOST"]), "as the file says")
	require.NoError(t, w.bind(t.Context(), withKeys("", "", "uri"), exact))
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.Results[0])
}

func TestSecondSecretForServiceBinding(t *testing.T) {
	binding := withKeys("disable", "", "servicebinding")
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), binding))
	second, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName+"-binding")
	require.NoError(t, err)
	found, _ := second.(*corev1.Secret)
	assert.Equal(t, w.role().password, string(found.Data["password"]))
	assert.Contains(t, string(found.Data["uri"]), "?sslmode=disable")
	assert.Len(t, w.workloads["web"].Template().Spec.Containers[0].EnvFrom, 1, "it is never used by envFrom")

	require.NoError(t, w.bind(t.Context(), binding), "bound again")
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.Results[0])
}

func TestSecondSecretOfSomebodyElse(t *testing.T) {
	w := newWorld(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName + "-binding"}})
	err := w.bind(t.Context(), withKeys("", "", "servicebinding"))
	require.ErrorContains(t, err, "secret/postgresql-secret-2-binding")
	w.assertUntouched()
}
