package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

func withLogin(login LoginOptions) func(*Options) {
	return func(o *Options) { o.Login = login }
}

func TestAChosenLogin(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLogin(LoginOptions{Username: "shop", Password: "chosen", Expires: time.Hour})))
	w.assertBound()
	assert.Equal(t, "shop", w.role().name)
	assert.Equal(t, "chosen", w.role().password)
	marks, ok := credentials.MarksOf(w.secret())
	require.True(t, ok)
	assert.WithinDuration(t, time.Now().Add(time.Hour), marks.Expires, time.Minute)

	require.NoError(t, w.bind(t.Context()), "the name is kept")
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.results)
	w.assertBound()

	require.NoError(t, w.bind(t.Context(), withLogin(LoginOptions{Expires: 48 * time.Hour})))
	assert.Equal(t, "secret/postgresql-secret-2 configured", w.results[0])
	marks, _ = credentials.MarksOf(w.secret())
	assert.WithinDuration(t, time.Now().Add(48*time.Hour), marks.Expires, time.Minute)

	require.ErrorContains(t, w.bind(t.Context(), withLogin(LoginOptions{Username: "other"})), `bound as user "shop"`)
	err := w.bind(t.Context(), withLogin(LoginOptions{Password: "another"}))
	require.ErrorContains(t, err, "holds another password")
	assert.NotContains(t, err.Error(), "another\"")
}

func TestALoginThatCannotWorkIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	for _, login := range []LoginOptions{{Username: "pg_shop"}, {Username: "a\nb"}, {Password: "pässword"}, {Password: "nul\x00"}} {
		w := newWorld(t)
		err := w.bind(t.Context(), withLogin(login))
		require.Error(t, err)
		if login.Password != "" {
			assert.NotContains(t, err.Error(), login.Password)
		}
		w.assertUntouched()
	}
}

func TestWhatMustBeQuotedIsWarnedOf(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLogin(LoginOptions{Username: "we ird", Password: "it's"})))
	assert.Len(t, w.warned, 2)
	w.assertNoPassword(nil)
}
