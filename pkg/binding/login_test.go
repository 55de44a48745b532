package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func withLogin(username, password string) func(*Item) {
	return func(i *Item) { i.Spec.Username, i.Options.Values.Password = username, password }
}

func expiresIn(d time.Duration) func(*Item) {
	return func(i *Item) { i.Spec.Expires = &metav1.Time{Time: time.Now().Add(d)} }
}

func TestAChosenLogin(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLogin("shop", "chosen"), expiresIn(time.Hour)))
	w.assertBound()
	assert.Equal(t, "shop", w.role().name)
	assert.Equal(t, "chosen", w.role().password)
	marks, ok := secret.MarksOf(w.secret())
	require.True(t, ok)
	assert.WithinDuration(t, time.Now().Add(time.Hour), marks.ExpiresAt(), time.Minute)

	require.NoError(t, w.bind(t.Context()), "the name is kept")
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
	w.assertBound()

	require.NoError(t, w.bind(t.Context(), expiresIn(48*time.Hour)))
	assert.Equal(t, "secret/postgresql-secret-2 configured", w.Results[0])
	marks, _ = secret.MarksOf(w.secret())
	assert.WithinDuration(t, time.Now().Add(48*time.Hour), marks.ExpiresAt(), time.Minute)

	require.ErrorContains(t, w.bind(t.Context(), withLogin("other", "")), `bound as user "shop"`)
	err := w.bind(t.Context(), withLogin("", "another"))
	require.ErrorContains(t, err, "holds another password")
	assert.NotContains(t, err.Error(), "another\"")
}

func TestALoginThatCannotWorkIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	for _, password := range []string{"pässword", "nul\x00"} {
		w := newWorld(t)
		err := w.bind(t.Context(), withLogin("", password))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), password)
		w.assertUntouched()
	}
}

func TestWhatMustBeQuotedIsWarnedOf(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLogin("we ird", "it's")))
	assert.Len(t, w.Warned, 2)
	w.assertNoPassword(nil)
}
