//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// neededRights is all that a bind of a Deployment needs in its namespace.
func neededRights() []rbacv1.PolicyRule {
	rule := func(group, resource string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
	}
	return []rbacv1.PolicyRule{
		rule("apps", "deployments", "get", "list", "watch", "patch"),
		rule("apps", "replicasets", "get", "list"),
		rule("", "pods", "get", "list"),
		rule("", "services", "get", "list"),
		rule("", "secrets", "get", "create", "delete"),
		rule("", "pods/exec", "get", "create"),
		rule("discovery.k8s.io", "endpointslices", "list"),
	}
}

// rightsWithout is the needed rights except for one verb on one resource.
func rightsWithout(verb, resource string) []rbacv1.PolicyRule {
	rules := neededRights()
	for i := range rules {
		if rules[i].Resources[0] == resource {
			rules[i].Verbs = slices.DeleteFunc(rules[i].Verbs, func(other string) bool { return other == verb })
		}
	}
	return rules
}

func TestMissingPermission(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for name, missing := range map[string]struct{ verb, resource string }{
		"get-workload":   {"get", "deployments"},
		"patch-workload": {"patch", "deployments"},
		"create-secret":  {"create", "secrets"},
		"create-exec":    {"create", "pods/exec"},
		"get-pod":        {"get", "pods"},
	} {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			kubeconfig, err := f.Identity(f.ctx, name, t.TempDir(), rightsWithout(missing.verb, missing.resource))
			require.NoError(t, err)
			before := f.traces()
			result := f.run(f.Pgbind(application).As(kubeconfig))
			t.Log(result.Stderr)
			assert.Equal(t, 1, result.Code, result.Stdout)
			assert.Contains(t, result.Stderr, missing.verb)
			assert.Contains(t, result.Stderr, missing.resource)
			assert.Contains(t, result.Stderr, "kubectl auth can-i")
			assert.Equal(t, before, f.traces(), "nothing is left behind")
		})
	}
	t.Run("with all of them", func(t *testing.T) {
		f := f.in(t)
		kubeconfig, err := f.Identity(f.ctx, "binder", t.TempDir(), neededRights())
		require.NoError(t, err)
		result := f.run(f.Pgbind(application).As(kubeconfig))
		assert.Zero(t, result.Code, result.Stderr)
	})
}
