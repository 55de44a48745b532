package rotate

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// fieldManagers are the one of the bind, the one that the rotation names, and what follows.
type fieldManagers struct{ bound, named, writes, stored string }

func TestRotate_UsesTheFieldManagerOfTheBind(t *testing.T) {
	for name, tt := range map[string]fieldManagers{
		"the default":    {"", "", "pgbind.dev after ", ""},
		"of the bind":    {"ci", "", "ci after ci", "ci"},
		"instead of it":  {"ci", "deploy", "deploy after ci", "deploy"},
		"a new one":      {"", "deploy", "deploy after ", "deploy"},
		"back to normal": {"ci", "pgbind.dev", "pgbind.dev after ci", "pgbind.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) { tt.test(w) })
		})
	}
}

func (tt fieldManagers) test(w *world) {
	bound := w.secret().DeepCopy()
	bound.ManagedFields = []metav1.ManagedFieldsEntry{
		{
			Manager:    "ci",
			Operation:  metav1.ManagedFieldsOperationUpdate,
			APIVersion: "v1",
			FieldsType: "FieldsV1",
			FieldsV1:   metav1.NewFieldsV1(`{"f:data":{}}`),
		},
	}
	const spec = `"spec":{`
	for key, value := range bound.Annotations {
		if tt.bound != "" {
			bound.Annotations[key] = strings.Replace(value, spec, spec+`"fieldManager":"`+tt.bound+`",`, 1)
		}
	}
	require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), bound, "ns"))

	require.NoError(w.t, w.rotate(func(o *Options) { o.FieldManager = tt.named }))

	slices.Sort(w.managers)
	assert.Equal(w.t, []string{tt.writes}, slices.Compact(w.managers))
	marks, _ := secret.MarksOf(w.secret())
	assert.Equal(w.t, tt.stored, marks.FieldManager)
	assert.Equal(w.t, tt.stored, secret.AnnotationsOf(w.workload.Annotations())[secretName].FieldManager)
	if tt.bound == "ci" {
		manager, _, _ := strings.Cut(tt.writes, " ")
		assert.Equal(w.t, manager, w.secret().ManagedFields[0].Manager, "it takes over the fields")
	}
}
