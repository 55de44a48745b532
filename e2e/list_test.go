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
	f.bind(application, "--wait=false")
	f.create(deployment("reader", nil))
	f.bind("deployment/reader", "--access=readonly", "--wait=false")
	reader := f.login(secondSecret).Username

	t.Run("table", func(t *testing.T) {
		f := f.in(t)
		rows := lines(f.list())
		assert.Equal(t, []string{"WORKLOAD", "DATABASE", "POSTGRES", "ROLE", "ACCESS", "SECRET", "AGE", "EXPIRES", "STATE"}, strings.Fields(rows[0]))
		assert.Regexp(t, `^deployment.apps/postgresql-application +postgres +pod/postgresql-sfs-0 +pgb_\w+ +all +postgresql-secret-2 +\w+ +<never> +Bound$`, rows[1])
		assert.Regexp(t, `^deployment.apps/reader +postgres +pod/postgresql-sfs-0 +`+reader+` +readonly +postgresql-secret-3 `, rows[2])
		assert.Contains(t, f.list("-o", "wide"), f.Name+"/statefulset/"+lesson.Database)
		assert.Regexp(t, `(?m)^`+f.Name+` +deployment.apps/reader `, f.list("-A"))
	})
	t.Run("selector", func(t *testing.T) {
		f := f.in(t)
		_, err := f.Kubectl("label", "deployment", "reader", "tier=reader").Output(f.ctx)
		require.NoError(t, err)
		assert.Equal(t, "binding.pgbind.dev/"+secondSecret+"\n", f.list("-l", "tier=reader", "-o", "name"))
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
	t.Run("tree", func(t *testing.T) {
		f := f.in(t)
		tree := f.list("--tree")
		assert.True(t, strings.HasPrefix(tree, "database postgres on "+f.Name+"/statefulset/"+lesson.Database+"\n├─ access role "), tree)
		assert.Contains(t, tree, "   └─ login role "+reader+"\n      └─ secret/"+secondSecret+" in "+f.Name+"\n         └─ deployment.apps/reader\n")
		for _, line := range lines(tree) {
			if _, role, ok := strings.Cut(line, "access role "); ok {
				assert.Equal(t, "1", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+role+"'"), "the tree names the server's own role")
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
		assert.Regexp(t, `(?m)^deployment.apps/reader +postgres .* `+reader+` .*Unknown$`, result.Stdout)
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
