package unbind

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const formerPassword = "hunter2-hunter2"

func formerEnv() []corev1.EnvVar {
	return []corev1.EnvVar{
		{
			Name:  "COLOUR",
			Value: "green",
		},
		{Name: "DB_HOST", Value: "db"},
		{Name: "DB_USER", Value: "boss"},
		{Name: "DB_PASSWORD", Value: formerPassword},
	}
}

// withNames gives the workload of the world a binding that keeps the names of its variables, instead of envFrom.
func (w *world) withNames() {
	w.t.Helper()
	template := w.workload.Template()
	app := &template.Spec.Containers[0]
	workload.RemoveReference(template, secretName)
	app.Env = formerEnv()
	stored := w.secret().DeepCopy()
	marks, _ := secret.MarksOf(stored)
	marks.NamesFromWorkload = true
	marks.Env = map[string]string{
		"DB_HOST":     "{{.Host}}",
		"DB_USER":     "{{.Username}}",
		"DB_PASSWORD": "{{.Password}}",
		"DB_PORT":     "{{.Port}}",
	}
	require.NoError(w.t, secret.Renew(stored, marks, secret.Credentials{Host: "h", Username: roleName, Password: "p"}))

	r := workload.Reference{
		Secret:     secretName,
		Inject:     workload.InjectEnv,
		Containers: []string{"app"},
		Replace:    true,
		Keys:       secret.VariablesOf(marks.BindingSpec, stored.Data),
	}
	replaced, err := r.Replaced(template)
	require.NoError(w.t, err)
	require.Len(w.t, replaced, 4)
	note := marks.Note()
	var hidden []secret.FormerVariable
	note.Former, hidden = secret.MergeFormer(marks.BindingSpec, nil, replaced)
	require.NoError(w.t, secret.AddFormer(stored, hidden))
	require.NoError(w.t, r.Add(template))
	template.Annotations = map[string]string{secret.GenerationAnnotation(secretName): "2"}
	key, err := secret.AnnotationKey(secretName)
	require.NoError(w.t, err)
	w.workload.SetAnnotation(key, note.Value())
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
}

func (w *world) env() []corev1.EnvVar { return w.workload.Template().Spec.Containers[0].Env }

// assertNoFormer requires that nothing shows the former password.
func (w *world) assertNoFormer(err error) {
	w.t.Helper()
	output := slices.Concat(w.Shown, w.Warned, w.Results, []string{fmt.Sprint(err, w.workload.Annotations())})
	said := strings.Join(output, "\n")
	assert.NotContains(w.t, said, formerPassword)
}

func TestUnbind_RestoresVariables(t *testing.T) {
	inWorld(t, func(w *world) {
		before := w.workload.Template().DeepCopy()
		workload.RemoveReference(before, secretName)
		before.Spec.Containers[0].Env = formerEnv()
		w.withNames()
		require.NoError(w.t, w.unbind())
		assert.Equal(w.t, order(), w.Log)
		w.assertUnbound()
		w.workload.Template().Annotations = nil // the API server stores no empty map
		assert.Equal(w.t, before, w.workload.Template())
		assert.Empty(w.t, w.Warned)
		w.assertNoFormer(nil)
	})
}

func TestUnbind_RestoresVariablesAfterAnInterruption(t *testing.T) {
	for _, step := range order() {
		for when, set := range map[string]func(*world){
			"before": func(w *world) { w.Fail[step] = errBroken },
			"after":  func(w *world) { w.Lose[step] = errBroken },
		} {
			inWorld(t, func(w *world) {
				w.withNames()
				set(w)
				err := w.unbind()
				require.ErrorIs(w.t, err, errBroken, when+" "+step)
				w.assertNoFormer(err)
				require.NoError(w.t, w.unbind(), when+" "+step)
				assert.Equal(w.t, formerEnv(), w.env(), when+" "+step)
				w.assertUnbound()
			})
		}
	}
}

func TestUnbind_LeavesOtherVariables(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withNames()
		env := w.env()
		for at := range env {
			if env[at].Name == "DB_USER" {
				env[at] = corev1.EnvVar{Name: "DB_USER", Value: "theirs"}
			}
		}
		env = append(env, corev1.EnvVar{Name: "NEW", Value: "1"})
		w.workload.Template().Spec.Containers[0].Env = env
		require.NoError(w.t, w.unbind())
		want := formerEnv()
		want[2].Value = "theirs"
		assert.Equal(w.t, append(want, corev1.EnvVar{Name: "NEW", Value: "1"}), w.env())
	})
}

func TestUnbind_RestoresWhatTheSecretHasWithoutAnnotation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withNames()
		key, _ := secret.AnnotationKey(secretName)
		w.workload.SetAnnotation(key, "")
		require.NoError(w.t, w.unbind())
		assert.Equal(w.t, []corev1.EnvVar{formerEnv()[0], formerEnv()[2], formerEnv()[3]}, w.env(), "the annotation had the rest")
	})
}

func TestUnbind_WarnsOfLostVariables(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withNames()
		require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
		require.NoError(w.t, w.unbind())
		assert.Equal(w.t, formerEnv()[:2], w.env())
		assert.Equal(w.t, []string{
			"DB_PASSWORD of container app is removed: its former value was in secret/postgresql-secret-2, which is gone",
			"DB_USER of container app is removed: its former value was in secret/postgresql-secret-2, which is gone",
		}, w.Warned)
	})
}

func TestUnbind_DryRunShowsNoFormerValue(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withNames()
		require.NoError(w.t, w.unbind(func(o *Options) { o.DryRun = cmdutil.DryRunServer }))
		w.assertNoFormer(nil)
		assert.NotEqual(w.t, formerEnv(), w.env())
	})
}
