package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckRoleName(t *testing.T) {
	for _, name := range []string{"shop", "gaeMo6di", "-dash", `we ird"x`, "ünï", "PG_x", "xpg_", strings.Repeat("x", 63)} {
		require.NoError(t, CheckRoleName(name), name)
	}
	for _, name := range []string{"", "pg_x", "public", "none", "a\x00b", "a\nb", "\xff", strings.Repeat("x", 64), strings.Repeat("ü", 32)} {
		require.Error(t, CheckRoleName(name), name)
	}
}

func TestCheckPassword(t *testing.T) {
	require.NoError(t, CheckPassword(`all of 'this" is \fine`))
	for _, password := range []string{"", "nul\x00", "pässword", "line\n", "tab\t"} {
		err := CheckPassword(password)
		require.Error(t, err)
		if password != "" {
			assert.NotContains(t, err.Error(), password)
		}
	}
}

func TestNeedsQuoting(t *testing.T) {
	for _, value := range []string{"shop", "a=b", `a"b`, "ü", "$x"} {
		assert.False(t, NeedsQuoting(value), value)
	}
	for _, value := range []string{"", "a b", "a'b", `a\b`} {
		assert.True(t, NeedsQuoting(value), value)
	}
}
