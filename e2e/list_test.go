//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

func TestList(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	empty := f.run(f.Pgbind("list"))
	assert.Equal(t, harness.Result{Stderr: "No resources found in " + f.Name + " namespace.\n"}, empty)
	assert.Equal(t, empty, f.run(f.Pgbind("list", "--tree")))
	f.bind(application, "--wait=false")
	for _, row := range lines(f.list()) {
		assert.LessOrEqual(t, len(row), 100, row)
	}
	f.create(deployment("reader", nil))
	f.bind("deployment/reader", "--access=readonly", "--wait=false")
	reader := f.login(secretOf("reader")).Username

	t.Run("table", func(t *testing.T) {
		f := f.in(t)
		rows := lines(f.list())
		assert.Equal(t, []string{"WORKLOAD", "DATABASE", "ACCESS", "STATE", "AGE"}, strings.Fields(rows[0]))
		assert.Regexp(t, `^deployment/postgresql-application +postgres +all +Bound +\w+$`, rows[1])
		assert.Regexp(t, `^deployment/reader +postgres +readonly +Bound +\w+$`, rows[2])
		wide := lines(f.list("-o", "wide"))
		assert.Equal(
			t,
			[]string{
				"WORKLOAD", "DATABASE", "ACCESS", "STATE", "AGE", "SECRET", "POSTGRES", "ROLE", "EXPIRES", "GENERATION",
				"LOCATION", "ID",
			},
			strings.Fields(wide[0]),
		)
		assert.Regexp(
			t,
			` postgresql-secret-2 +pod/postgresql-sfs-0 +pgb_\w+ +<never> +1 +`+f.Name+"/statefulset/"+lesson.Database+` +\w+$`,
			wide[1],
		)
		assert.Contains(t, wide[2], reader)
		assert.Regexp(t, `(?m)^`+f.Name+` +deployment/reader `, f.list("-A"))
	})
	t.Run("selector", func(t *testing.T) {
		f := f.in(t)
		_, err := f.Kubectl("label", "deployment", "reader", "tier=reader").Output(f.ctx)
		require.NoError(t, err)
		assert.Equal(t, "binding.pgbind.dev/"+secretOf("reader")+"\n", f.list("-l", "tier=reader", "-o", "name"))
	})
	t.Run("formats", func(t *testing.T) {
		f := f.in(t)
		assert.Equal(t, "deployment.apps/postgresql-application deployment.apps/reader", f.list("-o", "jsonpath={.items[*].spec.workload}"))
		assert.Equal(t, []string{"ROLE", reader}, lines(f.list("-l", "tier=reader", "-o", "custom-columns=ROLE:.status.role")))
		assert.Contains(t, f.list("-o", "yaml"), "apiVersion: pgbind.dev/v1alpha1\n  kind: Binding\n")
		var list struct{ Items []map[string]any }
		require.NoError(t, json.Unmarshal([]byte(f.list("-o", "json")), &list))
		assert.Len(t, list.Items, 2)
	})
	t.Run("width", func(t *testing.T) {
		f := f.in(t)
		name := strings.Repeat("n", 19)
		f.admin("CREATE DATABASE " + name + "d")
		for _, last := range []string{"a", "b", "c"} {
			f.idle(name + last)
			f.bind("deployment/"+name+last, "--dbname="+name+"d", "--access=readwrite", "--inject=none") // its state is the longest
		}
		rows := lines(f.list())
		assert.Len(t, rows, 6, "five bindings")
		for _, row := range rows {
			assert.LessOrEqual(t, len(row), 100, row)
		}
		assert.Contains(t, rows[1]+rows[2]+rows[3], "Unreferenced")
		for _, last := range []string{"a", "b", "c"} {
			f.bind("unbind", "deployment/"+name+last, "--grace=0s")
		}
	})
	t.Run("tree", func(t *testing.T) {
		f := f.in(t)
		tree := f.list("--tree")
		assert.True(t, strings.HasPrefix(tree, "database postgres on "+f.Name+"/statefulset/"+lesson.Database+"\n├─ access role "), tree)
		assert.Contains(
			t, tree,
			"   └─ login role "+reader+"\n      └─ secret/"+secretOf("reader")+" in "+f.Name+"\n         └─ deployment.apps/reader\n",
		)
		for _, line := range lines(tree) {
			if _, role, ok := strings.Cut(line, "access role "); ok {
				assert.Equal(
					t, "1", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+role+"'"),
					"the tree names the server's own role",
				)
			}
		}
	})
	t.Run("without the right to list Secrets", func(t *testing.T) {
		f := f.in(t)
		rules := []rbacv1.PolicyRule{{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"list"}}}
		kubeconfig, err := f.Identity(f.ctx, "lister", t.TempDir(), rules)
		require.NoError(t, err)
		result := f.run(f.Pgbind("list").As(kubeconfig))
		assert.Zero(t, result.Code)
		assert.Regexp(t, `(?m)^deployment/reader +postgres +readonly +Unknown +<unknown>$`, result.Stdout)
		assert.Contains(t, result.Stderr, "secrets is forbidden")
	})
}

// list returns what the command prints, which must contain no password.
func (f *fixture) list(args ...string) string {
	f.t.Helper()
	result := f.run(f.Pgbind(append([]string{"list"}, args...)...))
	require.Zero(f.t, result.Code, result.Stderr)
	f.requireNoPassword(result.Stdout)
	return result.Stdout
}
