package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func TestRotate_KeepsFormerVariables(t *testing.T) {
	former := func(name, value string) secret.FormerVariable {
		return secret.FormerVariable{Container: "app", Name: name, Entry: &corev1.EnvVar{Name: name, Value: value}}
	}
	inWorld(t, func(w *world) {
		stored := w.secret().DeepCopy()
		require.NoError(t, secret.AddFormer(stored, []secret.FormerVariable{former("DB_PASSWORD", "hunter2")}))
		require.NoError(t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
		noted := []secret.FormerVariable{former("DB_HOST", "db"), {Container: "app", Name: "DB_PASSWORD", InSecret: true}}
		note := boundMarks().Note()
		note.Former = noted
		key, err := secret.AnnotationKey(secretName)
		require.NoError(t, err)
		w.workload.SetAnnotation(key, note.Value())

		require.NoError(w.t, w.rotate())

		after := secret.AnnotationsOf(w.workload.Annotations())[secretName]
		assert.Equal(w.t, second, after.Role)
		assert.Equal(w.t, noted, after.Former)
		all, err := secret.Former(after.Former, w.secret())
		require.NoError(w.t, err)
		assert.Equal(w.t, []secret.FormerVariable{former("DB_HOST", "db"), former("DB_PASSWORD", "hunter2")}, all)
		marks, _ := secret.MarksOf(w.secret())
		assert.Empty(w.t, marks.Former)
	})
}
