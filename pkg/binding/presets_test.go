package binding

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func withPresets(presets ...string) func(*Item) { return func(i *Item) { i.Spec.Presets = presets } }

func withEnv(env map[string]string) func(*Item) { return func(i *Item) { i.Spec.Env = env } }

func (w *world) keys() []string { return slices.Sorted(maps.Keys(w.secret().Data)) }

func TestBind_RendersPresetsAndTemplates(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withPresets("url"), withEnv(map[string]string{"DB_HOST": "{{.Host}}"})))
	assert.Equal(t, []string{"DATABASE_URL", "DB_HOST", "PGBIND_PASSWORD"}, w.keys())
	assert.Contains(t, string(w.secret().Data["DATABASE_URL"]), ":"+w.role().password+"@svc.ns.svc:5432/postgres?sslmode=require")
	w.assertNoPassword(nil)

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
	assert.Len(t, w.keys(), 3, "a later bind keeps the names")
}

func TestBind_ReplacesAPreset(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	require.NoError(t, w.bind(t.Context(), withPresets("libpq")))
	assert.Equal(t, "secret/postgresql-secret-2 configured", w.Results[0])
	assert.Equal(t, []string{"PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGSSLMODE", "PGUSER"}, w.keys())
	assert.Equal(t, w.role().password, string(w.secret().Data["PGPASSWORD"]))
	assert.Contains(t, strings.Join(w.Warned, "\n"), "kubectl rollout restart deployment.apps/web -n ns")
}

func TestBind_ReplacesTheVariablesOfAPreset(t *testing.T) {
	w := newWorld(t)
	env := func(i *Item) { i.Spec.Inject = "env" }
	require.NoError(t, w.bind(t.Context(), env))
	require.NoError(t, w.bind(t.Context(), withPresets("url")))
	var names []string
	for _, e := range w.workloads["web"].Template().Spec.Containers[0].Env {
		names = append(names, e.Name)
	}
	assert.Equal(t, []string{"DATABASE_URL", "PGBIND_PASSWORD"}, names)
}

func TestBind_CreatesADeletedSecretWithItsPresets(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withPresets("url")))
	require.NoError(t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"DATABASE_URL", "PGBIND_PASSWORD"}, w.keys())
}

func TestBind_RefusesATemplateWithoutAValue(t *testing.T) {
	w := newWorld(t)
	err := w.bind(t.Context(), withEnv(map[string]string{"A": `{{if eq .Host "host"}}x{{end}}`}))
	require.ErrorContains(t, err, "template of A: its value is empty")
	w.assertUntouched()
}

func TestBind_MountsAServiceBinding(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withPresets("servicebinding")))
	assert.Equal(t, corev1.SecretType("servicebinding.io/postgresql"), w.secret().Type)
	c := w.workloads["web"].Template().Spec.Containers[0]
	assert.Equal(t, "/bindings/"+secretName, c.VolumeMounts[0].MountPath)
	assert.Equal(t, []corev1.EnvVar{{Name: "SERVICE_BINDING_ROOT", Value: "/bindings"}}, c.Env)
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
}

func TestValidate_RefusesFilesAsVariables(t *testing.T) {
	for _, preset := range []string{"cnpg", "servicebinding"} {
		item := &Item{}
		withPresets(preset)(item)
		item.Spec.Workload, item.Spec.Inject = "deployment/web", "envFrom"
		assert.Len(t, Validate(item.Spec), 1, preset)
		item.Spec.Inject = "none"
		assert.Empty(t, Validate(item.Spec), preset)
	}
	assert.True(t, secret.IsServiceBinding(func() *Item { i := &Item{}; withPresets("servicebinding")(i); return i }().Spec))
}
