package binding

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func withNewDatabase(i *Item) { i.Spec.DBName, i.Spec.CreateDatabase = "shop", true }

func TestBind_CreatesTheDatabaseFirst(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withNewDatabase))
	assert.Equal(t, []string{"create database", "createuser", "psql", "create secrets", "patch", "rollout"}, w.log)
	assert.Equal(t, []int{1}, w.execs, "the role still needs one")
	assert.Equal(t, "template0", w.created[0].Template)
	assert.Equal(t, "ns", w.created[0].Owner.Namespace)
	w.assertBound()

	require.NoError(t, w.bind(t.Context(), withNewDatabase))
	assert.Empty(t, w.log, "the database exists")
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.DBName = "shop" }))
	assert.Len(t, w.created, 2, "a bind that does not request the database asks for nothing")
}

func TestBind_FailsBeforeTheRoleIfTheDatabaseCannotBeCreated(t *testing.T) {
	w := newWorld(t)
	w.fail["create database"] = errRefused
	err := w.bind(t.Context(), withNewDatabase)
	require.ErrorIs(t, err, errRefused)
	require.ErrorContains(t, err, `database "shop" in pod/postgresql-sfs-0`)
	w.assertUntouched()
	require.NoError(t, w.bind(t.Context(), withNewDatabase))
	w.assertBound()
}

func TestBind_CreatesTheDatabaseOnThePrimary(t *testing.T) {
	w := newWorld(t)
	w.primary = "postgresql-sfs-2"
	require.NoError(t, w.bind(t.Context(), ofStatefulSet, withNewDatabase))
	assert.Len(t, w.created, 3)
	assert.Equal(t, []string{"postgresql-sfs-2"}, w.asked, "the roles are not created on a standby")
	w.assertBound()
}

func TestApply_CreatesADatabaseOnceForABatch(t *testing.T) {
	w := newWorld(t)
	w.add("worker", "mail")
	items := w.apply(t.Context(), "workload: deploy/web, dbname: shop, createDatabase: true",
		"workload: deploy/worker, dbname: shop, createDatabase: true",
		"workload: deploy/mail, dbname: shop")
	assert.Equal(t, map[Outcome]int{Created: 3}, outcomes(items))
	assert.True(t, w.databases["shop"])
	assert.LessOrEqual(t, len(w.created), len(w.execs), "at most once in each exec")
}

func TestDryRun_ShowsWhatCreatesTheDatabase(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), withNewDatabase, func(i *Item) {
		i.Options.DryRun, i.Options.Script = cmdutil.DryRunClient, true
		i.Spec.CreateSchema, i.Spec.Extensions = "app", []string{"citext"}
	}))
	assert.Empty(t, w.created)
	shown := strings.Join(w.Shown, "")
	for _, statement := range []string{
		"CREATE DATABASE %I", "REVOKE CONNECT, TEMPORARY", "CREATE EXTENSION IF NOT EXISTS %I", `CREATE SCHEMA :"new_schema" AUTHORIZATION`,
	} {
		assert.Contains(t, shown, statement)
	}
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Options.DryRun = cmdutil.DryRunClient }))
	assert.NotContains(t, strings.Join(w.Shown, ""), "CREATE DATABASE")
	assert.NotContains(t, strings.Join(w.Shown, ""), "CREATE EXTENSION")
}

func TestCreates(t *testing.T) {
	assert.Equal(t, postgres.Creates{}, creates(v1alpha1.BindingSpec{Schemas: []string{"a"}}.WithDefaults("ns")))
	assert.Equal(t, postgres.Creates{Schema: "app", Path: []string{"app", "public"}},
		creates(v1alpha1.BindingSpec{CreateSchema: "app", Schemas: []string{"public"}}.WithDefaults("ns")))
	assert.Equal(t, postgres.Creates{Extensions: []string{"citext"}, ExtensionSchema: "extensions", Path: []string{"public"}},
		creates(v1alpha1.BindingSpec{Extensions: []string{"citext"}}.WithDefaults("ns")))
}
