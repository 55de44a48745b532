package secret

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

func namesSpec() v1alpha1.BindingSpec {
	return v1alpha1.BindingSpec{NamesFromWorkload: true, Env: map[string]string{
		"DB_HOST": "{{.Address}}", "DB_NAME": "{{.Database}}", "DB_USER": "{{.Username}}", "DB_PASSWORD": "{{.Password}}",
		"DATABASE_URL": "postgres://{{.Address}}/{{.Database}}", "spring.url": "jdbc:postgresql://{{.Address}}/x",
	}}
}

func literal(name, value string) FormerVariable {
	return FormerVariable{Container: "app", Name: name, Entry: &corev1.EnvVar{Name: name, Value: value}}
}

func inSecret(name string) FormerVariable {
	return FormerVariable{Container: "app", Name: name, InSecret: true}
}

func TestMergeFormer_HidesWhatCanBeALogin(t *testing.T) {
	ref := literal("DB_PASSWORD", "")
	ref.Entry.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}
	absent := FormerVariable{Container: "app", Name: "DB_PASSWORD"}
	for name, test := range map[string]struct {
		replaced FormerVariable
		noted    FormerVariable
		hidden   bool
	}{
		"host":            {literal("DB_HOST", "db:5432"), literal("DB_HOST", "db:5432"), false},
		"database":        {literal("DB_NAME", "shop"), literal("DB_NAME", "shop"), false},
		"user":            {literal("DB_USER", "boss"), inSecret("DB_USER"), true},
		"password":        {literal("DB_PASSWORD", "hunter2"), inSecret("DB_PASSWORD"), true},
		"URI":             {literal("DATABASE_URL", "postgres://db/shop"), inSecret("DATABASE_URL"), true},
		"unknown name":    {literal("OTHER", "hunter2"), inSecret("OTHER"), true},
		"reference":       {ref, ref, false},
		"nothing was set": {absent, absent, false},
	} {
		noted, hidden := MergeFormer(namesSpec(), nil, []FormerVariable{test.replaced})
		assert.Equal(t, []FormerVariable{test.noted}, noted, name)
		if test.hidden {
			assert.Equal(t, []FormerVariable{test.replaced}, hidden, name)
		} else {
			assert.Empty(t, hidden, name)
		}
	}
}

func TestMergeFormer_KeepsWhatWasStored(t *testing.T) {
	stored := []FormerVariable{literal("DB_HOST", "old"), inSecret("DB_USER"), literal("DB_NAME", "old")}
	replaced := []FormerVariable{literal("DB_HOST", "new"), {Container: "app", Name: "DB_USER"}, literal("DB_PASSWORD", "new")}
	noted, hidden := MergeFormer(namesSpec(), stored, replaced)
	assert.Equal(
		t,
		[]FormerVariable{literal("DB_HOST", "new"), inSecret("DB_USER"), literal("DB_NAME", "old"), inSecret("DB_PASSWORD")},
		noted,
	)
	assert.Equal(t, []FormerVariable{literal("DB_PASSWORD", "new")}, hidden)
	assert.Equal(t, "old", stored[0].Entry.Value, "the input stays")
}

func TestFormer_RoundTrip(t *testing.T) {
	marks := testMarks()
	marks.Keys, marks.NamesFromWorkload, marks.Env = nil, true, namesSpec().Env
	c := Credentials{Host: "h", Username: "u", Password: "p", Database: "shop"}
	secret, err := NewSecret(types.NamespacedName{Name: "s"}, marks, c)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"DB_HOST":      "h:5432",
		"DB_NAME":      "shop",
		"DB_USER":      "u",
		"DB_PASSWORD":  "p",
		"DATABASE_URL": "postgres://h:5432/shop",
		"spring.url":   "jdbc:postgresql://h:5432/x",
	}, text(secret), "no other name")

	require.NoError(t, AddFormer(secret, nil))
	assert.NotContains(t, secret.Data, ".pgbind-former")
	require.NoError(t, AddFormer(secret, []FormerVariable{literal("DB_USER", "first"), literal("DB_PASSWORD", "hunter2")}))
	require.NoError(t, AddFormer(secret, []FormerVariable{literal("DB_USER", "second")}))
	before := secret.Data[".pgbind-former"]
	all, err := Former([]FormerVariable{literal("DB_HOST", "db"), inSecret("DB_USER")}, secret)
	require.NoError(t, err)
	assert.Equal(t, []FormerVariable{literal("DB_HOST", "db"), literal("DB_USER", "second"), literal("DB_PASSWORD", "hunter2")}, all,
		"also what the annotation does not note")

	assert.Equal(
		t, []string{"DATABASE_URL", "DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_USER", "spring.url"},
		VariablesOf(marks.BindingSpec, secret.Data),
	)
	c.Username, c.Password = "next", "other"
	require.NoError(t, Renew(secret, marks, c))
	assert.Equal(t, before, secret.Data[".pgbind-former"], "a rotation keeps them")
	assert.Equal(t, "next", string(secret.Data["DB_USER"]))
	assert.Empty(t, Damaged(secret))
}

func TestFormer_DoesNotTrustTheSecret(t *testing.T) {
	secret := &corev1.Secret{Data: map[string][]byte{}}
	secret.Name = "s"
	ref := literal("A", "")
	ref.Entry.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}
	other := literal("A", "x")
	other.Entry.Name = "LD_PRELOAD"
	stored, err := json.Marshal([]FormerVariable{ref, other, {Container: "app", Name: "A"}})
	require.NoError(t, err)
	secret.Data[".pgbind-former"] = stored
	all, err := Former([]FormerVariable{inSecret("A"), literal("DB_HOST", "db")}, secret)
	require.NoError(t, err)
	assert.Equal(t, []FormerVariable{inSecret("A"), literal("DB_HOST", "db")}, all)

	secret.Data[".pgbind-former"] = []byte("hunter2")
	_, err = Former(nil, secret)
	require.ErrorContains(t, err, "secret/s")
	assert.NotContains(t, err.Error(), "hunter2")
	all, err = Former([]FormerVariable{inSecret("A")}, nil)
	require.NoError(t, err)
	assert.Equal(t, []FormerVariable{inSecret("A")}, all, "the Secret is gone")
}

func TestFormerVariable_HidesItsValue(t *testing.T) {
	f := literal("DB_PASSWORD", "hunter2")
	assert.Equal(t, "DB_PASSWORD of container app", f.String())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", f, f, f, []FormerVariable{f}), "hunter2")
}

func TestMarks_OnlyWorkloadsNoteFormerVariables(t *testing.T) {
	marks := testMarks()
	marks.Former = []FormerVariable{literal("DB_HOST", "db")}
	secret := newSecret(t, marks, Credentials{Host: "h", Username: "u", Password: "p"})
	found, ok := MarksOf(secret)
	assert.True(t, ok)
	assert.Empty(t, found.Former)
	assert.Equal(t, marks.Former, AnnotationsOf(map[string]string{annotationPrefix + "s": marks.Note().Value()})["s"].Former)
}
