//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBindingNames requires that each command that takes bindings accepts what -o name prints, and that each command
// that writes or lists bindings prints it. The workload has two bindings, so that its own name would not do.
func TestBindingNames(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.admin("CREATE DATABASE shop")
	f.idle("web", "api")
	names := func(args ...string) []string {
		t.Helper()
		result := f.run(f.Pgbind(append(args, "-o", "name")...))
		require.Zero(t, result.Code, "%s: %s", args, result.Stderr)
		f.requireNoPassword(result.Stdout + result.Stderr)
		return lines(result.Stdout)
	}
	first, second := names("deployment/web"), names("bind", "deployment/web", "--dbname=shop", "--env-prefix=SHOP_")
	require.Len(t, first, 1)
	require.Len(t, second, 1)
	file := f.bindings(t.TempDir(), "workload: deployment/api")
	third := names("apply", "-f", file)
	assert.Equal(t, []string{"binding.pgbind.dev/" + secretOf("api")}, third)
	assert.ElementsMatch(t, []string{first[0], second[0], third[0]}, names("list"))

	assert.Empty(t, strings.Join(names("check"), ""), "nothing needs a fix")
	one := f.run(f.Pgbind("check", second[0]))
	require.Zero(t, one.Code, one.Stderr)
	assert.Contains(t, one.Stderr, "1 of 1 bindings OK", "the other binding of the workload is left out")
	assert.Equal(t, "shop\n", f.run(f.Pgbind("psql", second[0], "--", "-At", "-c", "SELECT current_database()")).Stdout)
	assert.Equal(
		t,
		"postgres\n",
		f.run(
			f.Pgbind(
				"psql", "binding/"+strings.TrimPrefix(first[0], "binding.pgbind.dev/"), "--", "-At", "-c",
				"SELECT current_database()",
			),
		).Stdout,
	)

	_, secret, _ := strings.Cut(second[0], "/")
	role, other := f.login(secret).Username, f.login(firstSecret).Username
	assert.Equal(t, second, names("rotate", second[0], "--grace=0s"))
	assert.NotEqual(t, role, f.login(secret).Username)
	assert.Equal(t, other, f.login(firstSecret).Username, "the other binding is not rotated")

	f.admin("ALTER ROLE " + other + " NOLOGIN")
	broken := f.run(f.Pgbind("check", "-o", "name"))
	assert.Equal(t, 1, broken.Code)
	assert.Equal(t, first, lines(broken.Stdout), "only what needs a fix")
	refused := f.run(f.Pgbind("bind", first[0]))
	assert.Equal(t, 2, refused.Code)
	assert.Contains(t, refused.Stderr, "check --fix binding/"+firstSecret)
	fixed := f.run(f.Pgbind("check", "--fix", "--yes", "binding/"+firstSecret))
	require.Zero(t, fixed.Code, fixed.Stderr)

	assert.Equal(t, second, names("unbind", second[0], "--grace=0s"))
	assert.ElementsMatch(t, []string{first[0], third[0]}, names("list"))
	assert.ElementsMatch(t, []string{first[0], third[0]}, names("unbind", "--all", "--yes", "--grace=0s"))
	missing := f.run(f.Pgbind("rotate", first[0]))
	assert.Equal(t, 1, missing.Code)
	assert.Contains(t, missing.Stderr, "not found")
}
