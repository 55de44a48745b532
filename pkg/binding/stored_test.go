package binding

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

func TestBind_StoresWhatWasRequested(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Keys, i.Spec.PasswordFrom = []string{"uri"}, "secret/chosen:password" }))
	marks, ok := secret.MarksOf(w.secret())
	require.True(t, ok)
	spec := marks.BindingSpec
	assert.Equal(t, []string{"deployment.apps/web", "pod/postgresql-sfs-0", "ns", "postgres", "all"},
		[]string{spec.Workload, spec.Postgres, spec.PostgresNamespace, spec.DBName, spec.Access}, "what the binding is found by")
	assert.Equal(t, []string{"public"}, spec.Schemas)
	assert.Equal(t, []string{"uri"}, spec.Keys)
	assert.Empty(t, spec.AdminUser+spec.Inject+spec.Secret, "other defaults can change later")
	assert.NotEmpty(t, marks.Run)

	note := secret.AnnotationsOf(w.workloads["web"].Annotations())[secretName]
	assert.Equal(t, marks.Note(), note)
	assert.Empty(t, note.Run+note.PasswordFrom, "a rotation changes them")
	assert.Equal(t, 1, note.Generation)
}

func TestBind_ReplacesMetadataInTheOldFormat(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	current := w.secret()
	marks, _ := secret.MarksOf(current)
	old := current.DeepCopy()
	old.Annotations = map[string]string{
		"pgbind.dev/id":                 marks.ID,
		"pgbind.dev/run":                marks.Run,
		"pgbind.dev/workload":           marks.Workload,
		"pgbind.dev/database":           marks.DBName,
		"pgbind.dev/postgres":           marks.Postgres,
		"pgbind.dev/postgres-namespace": marks.PostgresNamespace,
		"pgbind.dev/location":           marks.Location,
		"pgbind.dev/access":             marks.Access,
		"pgbind.dev/schemas":            `["public"]`,
		"pgbind.dev/role":               marks.Role,
		"pgbind.dev/generation":         "1",
		"theirs":                        "stays",
	}
	require.NoError(t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), old, "ns"))
	key, err := secret.AnnotationKey(secretName)
	require.NoError(t, err)
	w.workloads["web"] = w.workloads["web"].DeepCopy()
	w.workloads["web"].SetAnnotation(
		key,
		`{"id":"`+marks.ID+`","role":"`+marks.Role+`","database":"postgres","generation":1,"postgres":"pod/postgresql-sfs-0","access":"all"}`,
	)

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/postgresql-secret-2 configured", "deployment.apps/web bound"}, w.Results)
	assert.Equal(t, []string{"pgbind.dev/binding", "theirs"}, slices.Sorted(maps.Keys(w.secret().Annotations)))
	assert.Equal(t, current.Data, w.secret().Data)
	again, _ := secret.MarksOf(w.secret())
	assert.Equal(t, marks, again)
	assert.Equal(t, marks.Note().Value(), w.workloads["web"].Annotations()[key])

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
}

func TestBind_TakesOverFieldsOfTheFormerManager(t *testing.T) {
	w := newWorld(t)
	by := func(manager string) func(*Item) {
		return func(i *Item) {
			i.Spec.Keys = []string{"servicebinding"}
			i.Options.FieldManager = manager
		}
	}
	managers := func() (names []string) {
		for _, name := range []string{secretName, secret.ServiceBindingName(secretName)} {
			object, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", name)
			require.NoError(t, err)
			for _, entry := range object.(*corev1.Secret).ManagedFields {
				names = append(names, entry.Manager)
			}
		}
		return names
	}
	require.NoError(t, w.bind(t.Context(), by("kubectl-pgbind")))
	require.Equal(t, []string{"kubectl-pgbind", "kubectl-pgbind"}, managers())
	require.NoError(t, w.bind(t.Context(), by("pgbind.dev")))
	assert.Equal(t, []string{"pgbind.dev", "pgbind.dev"}, managers())
	assert.Equal(t, "secret/postgresql-secret-2 configured", w.Results[0])
	require.NoError(t, w.bind(t.Context(), by("pgbind.dev")))
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.Results[0])
}

func TestBind_KeepsTheFieldManagerOfTheLastBind(t *testing.T) {
	w := newWorld(t)
	by := func(manager string) func(*Item) { return func(i *Item) { i.Options.FieldManager = manager } }
	stored := func() []string {
		marks, _ := secret.MarksOf(w.secret())
		return []string{
			marks.FieldManager, secret.AnnotationsOf(w.workloads["web"].Annotations())[secretName].FieldManager,
			w.secret().ManagedFields[0].Manager,
		}
	}
	require.NoError(t, w.bind(t.Context(), by("ci")))
	assert.Equal(t, []string{"ci", "ci", "ci"}, stored())
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, "secret/postgresql-secret-2 unchanged", w.Results[0])
	assert.Equal(t, []string{"ci", "ci", "ci"}, stored())
	require.NoError(t, w.bind(t.Context(), by("deploy")))
	assert.Equal(t, []string{"deploy", "deploy", "deploy"}, stored(), "it takes over the fields of the earlier one")
	assert.Len(t, w.secret().ManagedFields, 1)

	again := w.apply(t.Context(), "workload: deployment/web, postgres: pod/pg-0")
	require.NoError(t, again[0].Err)
	assert.Equal(t, []string{"", "", "pgbind.dev"}, stored(), "a file is complete")
}

// TestBind_ContinuesTheBindingOfARecreatedWorkload deletes the workload and creates it again, as helm uninstall and install do.
func TestBind_ContinuesTheBindingOfARecreatedWorkload(t *testing.T) {
	for name, tt := range map[string]struct {
		manifest bool // the entry is in the manifest
		chosen   string
	}{
		"without the entry":    {},
		"the entry in Git":     {manifest: true},
		"with a chosen Secret": {true, secretName},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, w.bind(t.Context()))
			before, role := w.secret(), *w.role()
			later := deployment("web")
			later.UID = "later"
			if tt.manifest {
				later.Spec.Template.Spec.Containers[0].EnvFrom = w.workloads["web"].Template().Spec.Containers[0].EnvFrom
			}
			w.workloads["web"], _ = workload.Of(later)

			require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Secret = tt.chosen }))
			w.assertBound()
			assert.Equal(t, before.Data, w.secret().Data)
			assert.Equal(t, role.name, w.role().name, "the only role")
			marks, _ := secret.MarksOf(w.secret())
			former, _ := secret.MarksOf(before)
			assert.Equal(t, former.ID, marks.ID)
			assert.Equal(t, "later", marks.WorkloadUID)

			require.NoError(t, w.bind(t.Context()))
			assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
		})
	}
}

func TestBind_DoesNotContinueTheBindingOfAnotherWorkload(t *testing.T) {
	w := newWorld(t)
	w.add("api")
	require.NoError(t, w.bind(t.Context()))
	items := w.apply(t.Context(), "workload: deployment/api, postgres: pod/pg-0")
	require.NoError(t, items[0].Err)
	assert.NotEqual(t, secretName, items[0].Binding.Name)
	assert.Len(t, w.roles, 2)
}

func TestBind_PrintsAPatchThatNoRotationChanges(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Inject = "none" }))
	require.Len(t, w.Shown, 1)
	assert.Contains(t, w.Shown[0], "secretRef:")
	assert.NotContains(t, w.Shown[0], "annotations")
	assert.NotContains(t, w.Shown[0], w.role().name)
}
