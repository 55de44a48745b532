package secret

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

func testMarks() Marks {
	return Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload: "deployment.apps/web", Postgres: "pod/pg-0", PostgresNamespace: "db", DBName: "any \"name\"\n", Access: "all",
			Schemas: []string{"public"}, Expires: at2030(), Keys: []string{"uri"},
		},
		BindingStatus: v1alpha1.BindingStatus{
			ID: "id", Run: "run", Role: "pgb_id_2", Generation: 2, Location: "db/statefulset/pg", Expires: at2030(), Rotated: at2030(),
		},
	}
}

func at2030() *metav1.Time { return &metav1.Time{Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)} }

// inUTC returns the marks with the times as a test writes them: JSON has them in the local time zone.
func inUTC(m Marks) Marks {
	for _, t := range []**metav1.Time{&m.BindingSpec.Expires, &m.BindingStatus.Expires, &m.Rotated} {
		if *t != nil {
			*t = &metav1.Time{Time: (*t).UTC()}
		}
	}
	return m
}

func TestMarksOf_IgnoresOtherSecrets(t *testing.T) {
	ours := newSecret(t, testMarks(), Credentials{Host: "h", Username: "u", Password: "p"})
	set := func(value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Annotations["pgbind.dev/binding"] = value }
	}
	for name, change := range map[string]func(*corev1.Secret){
		"no label":       func(s *corev1.Secret) { s.Labels = nil },
		"other manager":  func(s *corev1.Secret) { s.Labels = map[string]string{ManagedByLabel: "Helm"} },
		"no annotation":  func(s *corev1.Secret) { s.Annotations = nil },
		"no JSON":        set("{"),
		"no id":          set(`{"spec":{},"status":{"generation":1}}`),
		"no generation":  set(`{"spec":{},"status":{"id":"id"}}`),
		"bad generation": set(`{"spec":{},"status":{"id":"id","generation":"x"}}`),
	} {
		secret := ours.DeepCopy()
		change(secret)
		_, ok := MarksOf(secret)
		assert.False(t, ok, name)
	}
	_, ok := MarksOf(&metav1.ObjectMeta{})
	assert.False(t, ok)
}

func TestValue_IsTheDocumentedFormat(t *testing.T) {
	marks := testMarks()
	marks.Secret = "chosen"
	assert.JSONEq(t, `{
		"spec": {"workload": "deployment.apps/web", "postgres": "pod/pg-0", "postgresNamespace": "db", "dbname": "any \"name\"\n", "access": "all",
			"schemas": ["public"], "expires": "2030-01-02T03:04:05Z", "keys": ["uri"]},
		"status": {"id": "id", "run": "run", "role": "pgb_id_2", "generation": 2, "location": "db/statefulset/pg",
			"expires": "2030-01-02T03:04:05Z", "rotated": "2030-01-02T03:04:05Z"}
	}`, marks.Value(), "the name of the Secret is the object's")
}

func TestNote_OmitsWhatTheWorkloadDoesNotNeed(t *testing.T) {
	marks := testMarks()
	marks.PasswordFrom = "secret/chosen:password"
	note := marks.Note()
	assert.Equal(t, testMarks().BindingSpec, note.BindingSpec)
	assert.Equal(t, v1alpha1.BindingStatus{ID: "id", Role: "pgb_id_2", Generation: 2, Location: "db/statefulset/pg"}, note.BindingStatus)
	assert.Equal(t, at2030().Time, note.ExpiresAt())
}

func TestAnnotationsOf_ReadsValues(t *testing.T) {
	key, err := AnnotationKey("postgresql-secret-2")
	require.NoError(t, err)
	want := testMarks().Note()
	want.Unbinding = true
	found := AnnotationsOf(map[string]string{
		key: want.Value(), "binding.pgbind.dev/broken": "{", "binding.pgbind.dev/empty": "{}", "other": want.Value(),
	})
	require.Len(t, found, 1)
	assert.Equal(t, want, inUTC(found["postgresql-secret-2"]))
}

func TestBinding_ReturnsTheObject(t *testing.T) {
	b := testMarks().Binding(types.NamespacedName{Namespace: "ns", Name: "s"})
	assert.Equal(t, "pgbind.dev/v1alpha1 Binding ns s s", b.APIVersion+" "+b.Kind+" "+b.Namespace+" "+b.Name+" "+b.Spec.Secret)
	assert.Equal(t, testMarks().BindingStatus, b.Status)
}

func TestCopyLabels_OmitsTheLabelByWhichArgoCDTracks(t *testing.T) {
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"theirs": "label"}}}
	CopyLabels(object, map[string]string{
		"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/instance": "web-prod", "tier": "front",
	})
	assert.Equal(t, map[string]string{
		"theirs": "label", "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop",
	}, object.Labels)
}

func TestMarks_WritesNoForgedLabel(t *testing.T) {
	object := &corev1.Secret{}
	Marks{BindingStatus: v1alpha1.BindingStatus{ID: "not a label", Generation: 1}}.write(object)
	assert.Equal(t, map[string]string{ManagedByLabel: ManagedBy}, object.Labels)
}
