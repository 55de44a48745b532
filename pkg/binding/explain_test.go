package binding

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBind_WarnsOfTheDatabasePostgres(t *testing.T) {
	w := newWorld(t)
	w.others = []string{"big shop", "my shop", "c", "d", "e", "f", "g"}
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{
		"the database is postgres, but pod/postgresql-sfs-0 also has: big shop, my shop, c, d, e, 2 more; " +
			"if the application uses another one, unbind it, and bind it with '--dbname=big shop'",
	}, w.Warned)
	require.NoError(t, w.bind(t.Context()))
	assert.Empty(t, w.Warned, "the binding is not new")

	w = newWorld(t)
	w.others = []string{"shop"}
	require.NoError(t, w.bind(t.Context(), handingOver))
	assert.NotContains(t, strings.Join(w.Warned, " "), "shop", "the former login has this database")
}

func TestBind_WarnsOfTheDatabaseOnceForAServer(t *testing.T) {
	w := newWorld(t)
	w.others = []string{"shop"}
	w.add("a", "b", "c")
	require.NoError(t, w.pipeline().Run(t.Context(), w.flagged("c", "a", "b")))
	assert.Len(t, w.Warned, 1)
}
