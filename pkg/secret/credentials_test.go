package secret

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

func TestID_IsUnique(t *testing.T) {
	id := ID("uid", "ns/statefulset/pg", "shop", false)
	assert.Equal(t, id, ID("uid", "ns/statefulset/pg", "shop", false))
	assert.NotEqual(t, id, ID("uid2", "ns/statefulset/pg", "shop", false))
	assert.NotEqual(t, id, ID("uid", "ns/statefulset/pg2", "shop", false))
	assert.NotEqual(t, id, ID("uid", "ns/statefulset/pg", "shop2", false))
	assert.NotEqual(t, id, ID("uid", "ns/statefulset/pg", "shop", true))
}

func TestNames_NeedNoQuoting(t *testing.T) {
	assert.Regexp(t, `^pgb_[a-z2-7]{12}_3$`, RoleName(ID("uid", "l", "d", false), 3))
	seen := map[string]bool{}
	for range 100 {
		password := NewPassword()
		assert.Regexp(t, `^[A-Za-z0-9]{24,64}$`, password)
		assert.False(t, seen[password])
		seen[password] = true
	}
}

func TestFurtherName_AdaptsTheDatabase(t *testing.T) {
	for database, want := range map[string]string{
		"shop": "web-pgbind-shop", "Shop_2024": "web-pgbind-shop-2024", "a--b": "web-pgbind-a-b", `"x"`: "web-pgbind-x", "Ωmega": "web-pgbind-mega", "Ω": "web-pgbind",
	} {
		assert.Equal(t, want, FurtherName("web", database))
		assert.Empty(t, apivalidation.NameIsDNSSubdomain(FurtherName("web", database), false))
	}
}

// newSecret returns the Secret "s" in namespace "ns".
func newSecret(t *testing.T, marks Marks, c Credentials) *corev1.Secret {
	t.Helper()
	secret, err := NewSecret(types.NamespacedName{Namespace: "ns", Name: "s"}, marks, c)
	require.NoError(t, err)
	return secret
}

func TestNewSecret_StoresCredentialsAndMetadata(t *testing.T) {
	marks := testMarks()
	marks.Keys, marks.DBName = nil, "postgres"
	secret := newSecret(t, marks, Credentials{Host: "h", Username: "u", Password: "p"})
	assert.Equal(t, corev1.SecretTypeOpaque, secret.Type)
	assert.ElementsMatch(t, []string{"POSTGRES_HOST", "POSTGRES_USERNAME", "POSTGRES_PASSWORD"}, slices.Collect(maps.Keys(secret.Data)))
	for key := range secret.Annotations {
		assert.Empty(t, validation.IsQualifiedName(key))
	}
	got, ok := Of(secret)
	require.True(t, ok)
	assert.Equal(t, Credentials{Host: "h", Username: "u", Password: "p", Port: 5432, Database: "postgres"}, got)
	stored, ok := MarksOf(secret)
	require.True(t, ok)
	marks.BindingStatus.Host, marks.BindingStatus.Port = "h", 5432
	assert.Equal(t, marks, inUTC(stored))
}

func TestNewSecret_RefusesAnEmptyVariable(t *testing.T) {
	marks := testMarks()
	marks.Env = map[string]string{"MODE": `{{if eq .SSLMode "require"}}{{.SSLMode}}{{end}}`}
	_, err := NewSecret(types.NamespacedName{Name: "s"}, marks, Credentials{Host: "h", Username: "u", Password: "p", SSLMode: "disable"})
	require.ErrorContains(t, err, "template of MODE: its value is empty")
}

func TestOf_RejectsMissingKeys(t *testing.T) {
	for _, preset := range keys.PresetNames() {
		marks := testMarks()
		marks.Presets = []string{preset}
		whole := newSecret(t, marks, Credentials{Host: "h", Username: "u", Password: "p"})
		_, ok := Of(whole)
		assert.True(t, ok)
		templates, err := Templates(marks.BindingSpec)
		require.NoError(t, err)
		for _, template := range templates {
			if template.Optional() {
				continue
			}
			lacking := whole.DeepCopy()
			delete(lacking.Data, template.Name())
			_, ok := Of(lacking)
			assert.False(t, ok, "%s without %s", preset, template.Name())
		}
	}
}

func TestAnnotationKey_RejectsLongName(t *testing.T) {
	_, err := AnnotationKey(strings.Repeat("x", 64))
	require.ErrorContains(t, err, "--secret")
}
