package secret

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// legacySecret returns a Secret with the annotations that commit 03b9a50 writes.
func legacySecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Labels: map[string]string{ManagedByLabel: ManagedBy, "theirs": "label"},
		Annotations: map[string]string{
			"pgbind.dev/id":                 "abc",
			"pgbind.dev/run":                "run",
			"pgbind.dev/workload":           "deployment.apps/web",
			"pgbind.dev/database":           "shop",
			"pgbind.dev/postgres":           "pod/pg-0",
			"pgbind.dev/postgres-namespace": "db",
			"pgbind.dev/location":           "db/statefulset/pg",
			"pgbind.dev/access":             "readonly",
			"pgbind.dev/schemas":            `["a","b"]`,
			"pgbind.dev/isolated":           "true",
			"pgbind.dev/role":               "pgb_abc_2",
			"pgbind.dev/generation":         "2",
			"pgbind.dev/expires":            "2030-01-02T03:04:05Z",
			"pgbind.dev/rotated":            "2030-01-02T03:04:05Z",
			"pgbind.dev/choices":            `{"adminPasswordFrom":"secret/admin:key","host":"pooler","port":6432,"keys":["uri"],"inject":"env"}`,
			"theirs":                        "annotation",
		},
	}}
}

func TestMarksOf_ReadsOldFormat(t *testing.T) {
	marks, ok := MarksOf(legacySecret())
	require.True(t, ok)
	assert.Equal(t, Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload:          "deployment.apps/web",
			DBName:            "shop",
			Postgres:          "pod/pg-0",
			PostgresNamespace: "db",
			Access:            "readonly",
			Schemas: []string{
				"a",
				"b",
			},
			Isolated:          true,
			Expires:           at2030(),
			AdminPasswordFrom: "secret/admin:key",
			Host:              "pooler",
			Port:              6432,
			Keys:              []string{"uri"},
			Inject:            "env",
		},
		BindingStatus: v1alpha1.BindingStatus{
			ID: "abc", Run: "run", Role: "pgb_abc_2", Generation: 2, Location: "db/statefulset/pg", Expires: at2030(), Rotated: at2030(),
		},
	}, marks)
}

func TestMarksOf_IgnoresIncompleteOldFormat(t *testing.T) {
	for name, value := range map[string]string{"pgbind.dev/id": "", "pgbind.dev/generation": "x"} {
		secret := legacySecret()
		secret.Annotations[name] = value
		_, ok := MarksOf(secret)
		assert.False(t, ok, name)
	}
	small := &corev1.Secret{}
	small.Labels = map[string]string{ManagedByLabel: ManagedBy}
	small.Annotations = map[string]string{
		"pgbind.dev/id":         "abc",
		"pgbind.dev/generation": "1",
		"pgbind.dev/choices":    "{",
		"pgbind.dev/expires":    "never",
	}
	marks, ok := MarksOf(small)
	require.True(t, ok)
	assert.Equal(t, []string{"public"}, marks.Schemas)
	assert.True(t, marks.ExpiresAt().IsZero())
}

func TestMarksOf_PrefersNewFormat(t *testing.T) {
	secret := legacySecret()
	secret.Annotations["pgbind.dev/binding"] = testMarks().Value()
	marks, ok := MarksOf(secret)
	require.True(t, ok)
	assert.Equal(t, testMarks(), inUTC(marks))
}

func TestWrite_ReplacesOldFormat(t *testing.T) {
	secret := legacySecret()
	marks, _ := MarksOf(secret)
	marks.write(secret)
	assert.Equal(t, map[string]string{"theirs": "annotation", "pgbind.dev/binding": marks.Value()}, secret.Annotations)
	assert.Equal(t, map[string]string{"theirs": "label", ManagedByLabel: ManagedBy, "pgbind.dev/id": "abc"}, secret.Labels)
	again, ok := MarksOf(secret)
	require.True(t, ok)
	assert.Equal(t, marks, inUTC(again))
}

func TestAnnotationsOf_ReadsOldFormat(t *testing.T) {
	found := AnnotationsOf(map[string]string{
		"binding.pgbind.dev/one": `{"id":"abc","role":"shop","database":"postgres","generation":3,"unbinding":true}`,
		"binding.pgbind.dev/two": `{"id":"def","role":"pgb_def_1","database":"shop","generation":1,"postgres":"pod/pg-0","postgresNamespace":"db",
			"access":"readonly","schemas":["a"],"isolated":true,"keys":["uri"],"expires":"2030-01-02T03:04:05Z"}`,
	})
	assert.Equal(t, map[string]Marks{
		"one": {
			BindingSpec:   v1alpha1.BindingSpec{DBName: "postgres", Schemas: []string{"public"}},
			BindingStatus: v1alpha1.BindingStatus{ID: "abc", Role: "shop", Generation: 3}, Unbinding: true,
		},
		"two": {
			BindingSpec: v1alpha1.BindingSpec{
				DBName: "shop", Postgres: "pod/pg-0", PostgresNamespace: "db", Access: "readonly", Schemas: []string{"a"}, Isolated: true,
				Keys: []string{"uri"}, Expires: at2030(),
			},
			BindingStatus: v1alpha1.BindingStatus{ID: "def", Role: "pgb_def_1", Generation: 1},
		},
	}, found)
}
