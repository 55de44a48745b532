package credentials

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestID_IsUnique(t *testing.T) {
	id := ID("uid", "ns/statefulset/pg", "shop")
	assert.Equal(t, id, ID("uid", "ns/statefulset/pg", "shop"))
	assert.NotEqual(t, id, ID("uid2", "ns/statefulset/pg", "shop"))
	assert.NotEqual(t, id, ID("uid", "ns/statefulset/pg2", "shop"))
	assert.NotEqual(t, id, ID("uid", "ns/statefulset/pg", "shop2"))
}

func TestNames_NeedNoQuoting(t *testing.T) {
	assert.Regexp(t, `^pgb_[a-z2-7]{12}_3$`, RoleName(ID("uid", "l", "d"), 3))
	seen := map[string]bool{}
	for range 100 {
		password := NewPassword()
		assert.Regexp(t, `^[A-Za-z0-9]{24,64}$`, password)
		assert.False(t, seen[password])
		seen[password] = true
	}
}

func TestSecretNames_AreNumbered(t *testing.T) {
	var names []string
	for name := range SecretNames {
		if names = append(names, name); len(names) == 3 {
			break
		}
	}
	assert.Equal(t, []string{"postgresql-secret-2", "postgresql-secret-3", "postgresql-secret-4"}, names)
}

func testMarks() Marks {
	return Marks{
		ID: "id", Run: "run", Workload: "deployment.apps/web", Database: "any \"name\"\n", Postgres: "pod/pg-0", PostgresNamespace: "db",
		Location: "db/statefulset/pg", Access: "all", Role: "pgb_id_2", Generation: 2,
	}
}

func TestNewSecret_StoresCredentialsAndMetadata(t *testing.T) {
	credentials := Credentials{Host: "h", Username: "u", Password: "p"}
	secret := NewSecret(types.NamespacedName{Namespace: "ns", Name: "s"}, testMarks(), credentials)
	assert.Equal(t, corev1.SecretTypeOpaque, secret.Type)
	assert.ElementsMatch(t, Keys(), slices.Collect(maps.Keys(secret.Data)))
	for key := range secret.Annotations {
		assert.Empty(t, validation.IsQualifiedName(key))
	}
	got, ok := Of(secret)
	require.True(t, ok)
	assert.Equal(t, credentials, got)
	marks, ok := MarksOf(secret)
	require.True(t, ok)
	assert.Equal(t, testMarks(), marks)
}

func TestMarksOf_IgnoresOtherSecrets(t *testing.T) {
	ours := NewSecret(types.NamespacedName{Name: "s"}, testMarks(), Credentials{})
	for name, change := range map[string]func(*corev1.Secret){
		"no label":       func(s *corev1.Secret) { s.Labels = nil },
		"other manager":  func(s *corev1.Secret) { s.Labels = map[string]string{ManagedByLabel: "Helm"} },
		"no id":          func(s *corev1.Secret) { delete(s.Annotations, "pgbind.dev/id") },
		"no generation":  func(s *corev1.Secret) { delete(s.Annotations, "pgbind.dev/generation") },
		"bad generation": func(s *corev1.Secret) { s.Annotations["pgbind.dev/generation"] = "x" },
	} {
		secret := ours.DeepCopy()
		change(secret)
		_, ok := MarksOf(secret)
		assert.False(t, ok, name)
	}
	_, ok := MarksOf(&metav1.ObjectMeta{})
	assert.False(t, ok)
}

func TestOf_RejectsIncompleteCredentials(t *testing.T) {
	secret := NewSecret(types.NamespacedName{Name: "s"}, testMarks(), Credentials{Host: "h", Username: "u"})
	_, ok := Of(secret)
	assert.False(t, ok)
}

func TestAnnotationsOf_ReadsValues(t *testing.T) {
	key, err := AnnotationKey("postgresql-secret-2")
	require.NoError(t, err)
	want := Annotation{ID: "id", Role: "r", Database: "d", Generation: 3}
	value, err := want.Value()
	require.NoError(t, err)
	found := AnnotationsOf(map[string]string{key: value, "binding.pgbind.dev/broken": "{", "binding.pgbind.dev/empty": "{}", "other": value})
	assert.Equal(t, map[string]Annotation{"postgresql-secret-2": want}, found)
}

func TestAnnotationKey_RejectsLongName(t *testing.T) {
	_, err := AnnotationKey(strings.Repeat("x", 64))
	require.ErrorContains(t, err, "--secret")
}
