package binding

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

const (
	handRole     = "gaeMo6di"
	handPassword = "UaGu5chu"
)

// byHand is a world in which somebody did the lesson by hand.
func byHand(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName, ResourceVersion: "1", Labels: map[string]string{"team": "a"}},
		Data: map[string][]byte{
			"POSTGRES_HOST":     []byte("svc.ns.svc.cluster.local"),
			"POSTGRES_USERNAME": []byte(handRole),
			"POSTGRES_PASSWORD": []byte(handPassword),
		},
	})
	w.roles[handRole] = &roleState{name: handRole, password: handPassword}
	w.workloads["web"].Template().Spec.Containers[0].Env = []corev1.EnvVar{
		handVariable("POSTGRES_HOST"), handVariable("POSTGRES_USERNAME"), handVariable("POSTGRES_PASSWORD"),
	}
	return w
}

func handVariable(key string) corev1.EnvVar {
	return corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secretName}, Key: key,
	}}}
}

func adopting(i *Item) { i.Options.Adopt = true }

// assertAsByHand finds that nothing of a binding was left.
func (w *world) assertAsByHand() {
	w.t.Helper()
	assert.Equal(w.t, roleState{name: handRole, password: handPassword}, *w.role())
	s := w.secret()
	assert.Equal(w.t, map[string]string{"team": "a"}, s.Labels)
	assert.Empty(w.t, s.Annotations)
	assert.Len(w.t, s.Data, 3)
	assert.Empty(w.t, w.workloads["web"].Annotations())
}

func TestAdopt_KeepsThePasswordAndThePods(t *testing.T) {
	w := byHand(t)
	template, data := w.workloads["web"].Template().DeepCopy(), maps.Clone(w.secret().Data)
	require.NoError(t, w.bind(t.Context(), adopting))
	assert.Equal(t, []string{"adopt", "patch", "settle", "rollout"}, w.log)
	assert.Equal(t, template, w.workloads["web"].Template())
	assert.Equal(t, data, w.secret().Data)
	assert.Equal(t, "a", w.secret().Labels["team"])
	marks, ok := secret.MarksOf(w.secret())
	require.True(t, ok)
	assert.Equal(t, handRole, marks.Role)
	assert.Equal(t, handRole, marks.Username)
	assert.True(t, marks.Adopted)
	assert.Equal(t, "env", marks.Inject)
	assert.Equal(t, "svc.ns.svc.cluster.local", marks.BindingStatus.Host)
	note := secret.AnnotationsOf(w.workloads["web"].Annotations())[secretName]
	assert.Equal(t, handRole, note.Role)
	assert.Equal(
		t,
		roleState{name: handRole, mark: marks.ID, run: marks.Run, password: handPassword, granted: true, settled: true},
		*w.role(),
	)
	assert.Contains(t, w.Warned, `function f() still belongs to role "gaeMo6di": it runs as its owner`)
	w.assertNoPassword(nil)

	for _, change := range [][]func(*Item){nil, {adopting}} {
		require.NoError(t, w.bind(t.Context(), change...), "a second run")
		assert.NotContains(t, w.log, "patch")
		assert.Equal(t, template, w.workloads["web"].Template())
		assert.Equal(t, handPassword, w.role().password)
	}
	assert.Equal(t, []string{"settle"}, w.log, "what an interrupted run left")
}

func TestAdopt_NeedsTheFlag(t *testing.T) {
	w := byHand(t)
	err := w.bind(t.Context())
	require.ErrorContains(t, err, "already sets POSTGRES_HOST")
	w.assertAsByHand()
}

func TestAdopt_RefusesBeforeItWrites(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*world)
		says   string
	}{
		"no role":          {func(w *world) { delete(w.roles, handRole) }, `role "gaeMo6di" of secret/postgresql-secret-2 does not exist`},
		"another password": {func(w *world) { w.role().password = "other" }, "does not take the password of secret/postgresql-secret-2"},
		"another binding":  {func(w *world) { w.role().mark = "other" }, "does not name this binding"},
		"a privileged role": {func(w *world) {
			w.fail["adoptable"] = &postgres.ForeignRoleError{Role: handRole, Verdict: "privileged", Why: "SUPERUSER"}
		}, "SUPERUSER"},
		"another host":     {func(w *world) { w.setValue("POSTGRES_HOST", "db.example.com") }, "--host db.example.com"},
		"a reserved name":  {func(w *world) { w.setValue("POSTGRES_USERNAME", "pg_monitor") }, "reserved by PostgreSQL"},
		"another variable": {func(w *world) { w.workloads["web"].Template().Spec.Containers[0].Env[0].Name = "DB_HOST" }, "--inject none"},
		"another database": {func(w *world) { w.setValue("POSTGRES_DB", "shop") }, "--dbname"},
		"another workload": {func(w *world) {
			w.add("worker")
			w.workloads["worker"].Template().Spec = w.workloads["web"].Template().Spec
		}, "deployment.apps/worker"},
		"another Secret":     {func(w *world) { w.copySecret("copy", w.secret().Data) }, "secret/copy"},
		"two Secrets to use": {func(w *world) { w.useAnother() }, "choose one with --secret"},
	} {
		t.Run(name, func(t *testing.T) {
			w := byHand(t)
			tt.change(w)
			before := w.secret().DeepCopy()
			err := w.bind(t.Context(), adopting)
			require.ErrorContains(t, err, tt.says)
			w.assertNoPassword(err)
			assert.Empty(t, w.log)
			assert.Equal(t, before, w.secret())
			assert.Empty(t, w.workloads["web"].Annotations())
		})
	}
}

func (w *world) setValue(key, value string) {
	w.t.Helper()
	s := w.secret().DeepCopy()
	s.Data[key] = []byte(value)
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), s, "ns"))
}

func (w *world) copySecret(name string, data map[string][]byte) {
	w.t.Helper()
	require.NoError(w.t, w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Data: data}))
}

// useAnother has the workload use a second Secret with another login.
func (w *world) useAnother() {
	w.t.Helper()
	w.copySecret(
		"second",
		map[string][]byte{"POSTGRES_HOST": []byte("svc"), "POSTGRES_USERNAME": []byte("b"), "POSTGRES_PASSWORD": []byte("c")},
	)
	c := &w.workloads["web"].Template().Spec.Containers[0]
	c.EnvFrom = append(
		c.EnvFrom,
		corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "second"}}},
	)
}

func TestAdopt_ForceAdoptsALoginThatOthersUse(t *testing.T) {
	w := byHand(t)
	w.add("worker")
	w.workloads["worker"].Template().Spec = w.workloads["web"].Template().Spec
	require.NoError(t, w.bind(t.Context(), adopting, func(i *Item) { i.Options.Force = true }))
	assert.NotEmpty(t, w.role().mark)
}

func TestAdopt_AFailureBeforeTheWorkloadRollsBack(t *testing.T) {
	for _, step := range []string{"psql", "patch secrets", "patch"} {
		t.Run(step, func(t *testing.T) {
			w := byHand(t)
			w.fail[step] = errRefused
			require.ErrorIs(t, w.bind(t.Context(), adopting), errRefused)
			w.assertAsByHand()
			require.NoError(t, w.bind(t.Context(), adopting), "a second run")
			assert.True(t, w.role().settled)
		})
	}
	t.Run("settle", func(t *testing.T) {
		w := byHand(t)
		w.fail["settle"] = errRefused
		err := w.bind(t.Context(), adopting)
		require.ErrorIs(t, err, errRefused)
		require.ErrorContains(t, err, "run the command again")
		assert.NotEmpty(t, w.role().mark, "the workload is bound, so it stays")
		require.NoError(t, w.bind(t.Context(), adopting), "a second run")
		assert.True(t, w.role().settled)
	})
}

func TestAdopt_ContinuesAfterAnInterruption(t *testing.T) {
	w := byHand(t)
	require.NoError(t, w.bind(t.Context(), adopting))
	key, err := secret.AnnotationKey(secretName)
	require.NoError(t, err)
	w.workloads["web"].SetAnnotation(key, "")
	require.ErrorContains(t, w.bind(t.Context()), "--adopt")
	require.NoError(t, w.bind(t.Context(), adopting))
	assert.NotEmpty(t, w.workloads["web"].Annotations())
	assert.Equal(t, handPassword, w.role().password)
}

func TestAdopt_InjectNoneLeavesTheWorkload(t *testing.T) {
	w := byHand(t)
	w.workloads["web"].Template().Spec.Containers[0].Env[0].Name = "DB_HOST"
	require.NoError(t, w.bind(t.Context(), adopting, func(i *Item) { i.Spec.Inject = "none" }))
	assert.Equal(t, []string{"adopt", "settle"}, w.log)
	assert.Empty(t, w.Shown)
	assert.Empty(t, w.workloads["web"].Annotations())
	_, ok := secret.MarksOf(w.secret())
	assert.True(t, ok)
}
