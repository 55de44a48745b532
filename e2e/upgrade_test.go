//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestUpgradeFrom03b9a50 binds with the plugin of commit 03b9a50, whose metadata has another format, and goes on with the present one.
func TestUpgradeFrom03b9a50(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)")
	f.idle("chosen")
	f.idle("gone")
	f.bindOld(application)
	f.bindOld(
		"deployment/chosen", "--secret=chosen", "--access=readonly", "--schema=shop", "--isolated",
		"--username=shop reader", "--expires=30d", "--key=uri,servicebinding", "--inject=env", "--sslmode=disable",
	)
	f.bindOld("deployment/gone", "--secret=gone")
	require.NotContains(t, f.secret("chosen").Annotations, bindingAnnotation, "the old format")
	require.Contains(t, f.secret("chosen").Annotations, "pgbind.dev/choices")

	listed := f.run(f.Pgbind("list")).Stdout
	assert.Equal(t, 3, strings.Count(listed, " Bound"), listed)

	old, oldRoles := f.secret(firstSecret), f.roles()
	result := f.bind(application)
	assert.Equal(t, []string{"secret/" + firstSecret + " configured", "deployment.apps/postgresql-application bound"}, lines(result.Stdout))
	f.requireUpgraded(firstSecret)
	assert.Equal(t, digests(old.Data), digests(f.secret(firstSecret).Data))
	assert.Equal(t, oldRoles, f.roles())
	again := f.bind(application)
	assert.Equal(
		t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/postgresql-application unchanged"},
		lines(again.Stdout),
	)

	chosen := f.secret("chosen")
	f.bind("deployment/chosen", "--access=readonly", "--schema=shop", "--isolated", "--inject=env")
	f.requireUpgraded("chosen")
	assert.Equal(t, digests(chosen.Data), digests(f.secret("chosen").Data))
	spec := f.metadata(f.secret("chosen")).Spec
	assert.Equal(
		t, "shop reader readonly shop disable",
		strings.Join([]string{spec.Username, spec.Access, strings.Join(spec.Schemas, ","), spec.SSLMode}, " "),
	)
	assert.Equal(t, []string{"uri", "servicebinding"}, spec.Keys)
	assert.NotNil(t, spec.Expires)
	f.requireAllHealthy(3)

	f.bind("rotate", "deployment/gone", "--grace=1s")
	f.requireUpgraded("gone")
	assert.Contains(t, f.deployment("gone").Annotations["binding.pgbind.dev/gone"], `"generation":2`)
	for _, name := range []string{firstSecret, "chosen", "gone"} {
		assert.NotEmpty(t, f.as(name, "SELECT session_user"))
	}
	f.bind("rotate", application, "--grace=1s")
	f.requireAllHealthy(3)
	listed = f.run(f.Pgbind("list")).Stdout
	assert.Equal(t, 3, strings.Count(listed, " Bound"), listed)

	f.idle("left")
	f.bindOld("deployment/left", "--secret=left")
	f.bind("unbind", application, "--grace=1s")
	f.bind("unbind", "deployment/chosen", "--grace=1s")
	f.bind("unbind", "deployment/gone", "--grace=1s")
	f.bind("unbind", "deployment/left", "--grace=1s")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%' OR rolname = 'shop reader'"))
	assert.NotContains(t, f.run(f.Pgbind("list")).Stdout, "Bound")
}

// TestUpgrade_ClosesTheWayToSuperuser binds with the plugin of commit 03b9a50. With the level that it granted, the
// application prepares a foreign key that would make it superuser. After the next bind and the named statement, it
// cannot become superuser, and cannot prepare the foreign key again.
func TestUpgrade_ClosesTheWayToSuperuser(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bindOld(application)
	f.as(firstSecret, castSQL+";"+foreignKeySQL)
	found := f.run(f.Pgbind("check"))
	assert.Equal(t, 1, found.Code)
	assert.Contains(t, found.Stdout, "Escalation")
	assert.Contains(t, found.Stdout, "REVOKE REFERENCES ON TABLE public.company FROM ")

	bound := f.bind(application)
	const remove = "ALTER TABLE public.t DROP CONSTRAINT t_x_fkey"
	require.Contains(t, bound.Stderr, remove)
	f.admin(remove)
	f.as(firstSecret, climbSQL)
	assert.Equal(t, "f", f.superuser(f.login(firstSecret).Username))
	f.as(firstSecret, "DROP TABLE public.t")
	f.mayNot(firstSecret, foreignKeySQL)
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
}

// bindOld binds with the plugin of the earlier version.
func (f *fixture) bindOld(args ...string) {
	f.t.Helper()
	result := f.run(f.OldBinary(append(args, "--namespace="+f.Name)...))
	require.Zero(f.t, result.Code, "set PGBIND_E2E_OLD_PLUGIN, as make e2e does; stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
}

// requireAllHealthy requires that check finds so many bindings, and nothing wrong with them.
func (f *fixture) requireAllHealthy(bindings int) {
	f.t.Helper()
	require.Equal(f.t, slices.Repeat([]string{"OK"}, bindings), reasons(f.check(0)))
}

// requireUpgraded requires the new format, and nothing of the old one.
func (f *fixture) requireUpgraded(secret string) {
	f.t.Helper()
	var ours []string
	for _, key := range slices.Sorted(maps.Keys(f.secret(secret).Annotations)) {
		if strings.HasPrefix(key, "pgbind.dev/") {
			ours = append(ours, key)
		}
	}
	require.Equal(f.t, []string{bindingAnnotation}, ours)
}
