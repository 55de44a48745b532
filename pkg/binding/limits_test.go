package binding

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func withLimits(limit int32, settings map[string]string) func(*Item) {
	return func(i *Item) { i.Spec.Settings, i.Spec.ConnectionLimit = settings, &limit }
}

// limits returns the last request of a bind.
func (w *world) limits() postgres.Limits { return w.finished[0].verifiedFor.Role.Limits }

func TestBind_KeepsLimitsAndSettings(t *testing.T) {
	w := newWorld(t)
	limit := int32(3)
	require.NoError(t, w.bind(t.Context(), withLimits(3, map[string]string{"statement_timeout": "5s", "work_mem": "8MB"})))
	assert.Equal(
		t,
		postgres.Limits{Connections: &limit, Settings: map[string]string{"statement_timeout": "5s", "work_mem": "8MB"}},
		w.limits(),
	)
	stored, _ := secret.MarksOf(w.secret())
	assert.Equal(t, &limit, stored.ConnectionLimit)

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
	assert.Equal(
		t,
		postgres.Limits{Connections: &limit, Keep: true, Settings: map[string]string{"statement_timeout": "5s", "work_mem": "8MB"}},
		w.limits(), "a kept limit only restricts",
	)

	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Settings = map[string]string{"work_mem": ""} }))
	assert.Equal(t, map[string]string{"statement_timeout": "5s", "work_mem": ""}, w.limits().Settings)
	stored, _ = secret.MarksOf(w.secret())
	assert.Equal(t, map[string]string{"statement_timeout": "5s"}, stored.Settings, "a reset is not kept")

	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, map[string]string{"statement_timeout": "5s"}, w.limits().Settings, "what others set afterwards stays")
}

func TestApply_ResetsWhatTheFileDoesNotNameAnyMore(t *testing.T) {
	w := newWorld(t)
	const spec = "workload: deploy/web, postgres: pod/postgresql-sfs-0"
	first := w.apply(t.Context(), spec+", connectionLimit: 3, settings: {statement_timeout: 5s, work_mem: 8MB}")
	require.NoError(t, first[0].Err)
	second := w.apply(t.Context(), spec+", settings: {statement_timeout: 5s}")
	require.NoError(t, second[0].Err)
	assert.Equal(
		t, postgres.Limits{Settings: map[string]string{"statement_timeout": "5s", "work_mem": ""}}, w.limits(),
		"the limit stays as it is",
	)
	third := w.apply(t.Context(), spec+", settings: {statement_timeout: 5s}")
	assert.Equal(t, map[Outcome]int{Unchanged: 1}, outcomes(third))
	assert.Equal(t, map[string]string{"statement_timeout": "5s"}, w.limits().Settings)
}

func TestBind_IgnoresForgedSettings(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLimits(3, map[string]string{"statement_timeout": "5s"})))
	p := &Plan{requested: w.finished[0].Spec, options: Options{}, workload: w.workloads["web"]}
	forged := p.requested
	forged.ConnectionLimit, forged.Settings = nil, map[string]string{
		"role":                      "postgres",
		"session_preload_libraries": "x",
		"Bad name":                  "x",
		"work_mem":                  "8MB",
	}
	p.requested.ConnectionLimit, p.requested.Settings = nil, nil
	p.keep(forged)
	assert.Equal(t, postgres.Limits{Settings: map[string]string{"work_mem": "8MB"}}, p.limits())
	p.options.Exact = true
	p.spec = p.requested
	p.keep(forged)
	assert.Equal(t, postgres.Limits{Settings: map[string]string{"work_mem": ""}}, p.limits())
}

func TestBind_ShowsLimitsInADryRun(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withLimits(3, map[string]string{"statement_timeout": "5s", "work_mem": ""}), func(i *Item) {
		i.Options.DryRun = cmdutil.DryRunClient
	}))
	assert.Nil(t, w.role())
	assert.Nil(t, w.secret())
	assert.Regexp(t, `(?m)^ALTER ROLE "pgb_\w+" CONNECTION LIMIT 3;$`, w.Shown[0])
	assert.Regexp(t, `(?m)^ALTER ROLE "pgb_\w+" IN DATABASE "postgres" SET "statement_timeout" TO '5s';$`, w.Shown[0])
	assert.Regexp(t, `(?m)^ALTER ROLE "pgb_\w+" IN DATABASE "postgres" RESET "work_mem";$`, w.Shown[0])
}

func TestBind_LeavesTheSearchPathToTheNewSchema(t *testing.T) {
	w := newWorld(t)
	create := func(path string) func(*Item) {
		return func(i *Item) { i.Spec.CreateSchema, i.Spec.Settings = "app", map[string]string{"search_path": path} }
	}
	require.NoError(t, w.bind(t.Context(), create("public")))
	assert.Equal(t, map[string]string{"search_path": "public"}, w.limits().Settings)
	require.NoError(t, w.bind(t.Context(), create("")))
	assert.Empty(t, w.limits().Settings)
}

func TestBind_DoesNotSetThePasswordIfNoConnectionIsLeft(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	w.always["psql"] = &postgres.LoginError{Message: "too many connections", Full: 3}
	require.Error(t, w.bind(t.Context()))
	assert.Empty(t, w.Warned)
	assert.NotContains(t, w.log, "createuser")
}
