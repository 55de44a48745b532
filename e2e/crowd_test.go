//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

func TestManyWorkloadsAtOnce(t *testing.T) {
	t.Parallel()
	const many = 50
	f := newLesson(t, harness.WithoutClaim)
	manifests := &strings.Builder{}
	for i := range many {
		member := small(deployment(fmt.Sprintf("member-%d", i), nil))
		member.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
		require.NoError(t, json.NewEncoder(manifests).Encode(member))
	}
	_, err := f.Kubectl("create", "--filename=-").Stdin(manifests.String()).Output(f.ctx)
	require.NoError(t, err)

	results := f.atOnce(many, func(i int) *harness.Command { return f.Pgbind(fmt.Sprintf("deploy/member-%d", i), "--wait=false") })

	for i, result := range results {
		assert.Zero(t, result.Code, "member-%d: %s", i, result.Stderr)
		assert.Contains(t, result.Stdout, fmt.Sprintf("deployment.apps/member-%d bound", i))
	}
	assert.Equal(t, "50", f.admin("SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_' AND rolcanlogin"))
	f.requireOneBinding("member-0")
	f.requireOneBinding("member-49")
	assert.Len(t, f.boundSecrets(), many)
}

func TestManyRunsForOneWorkloadAtOnce(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(small(deployment("popular", nil)))

	results := f.atOnce(20, func(int) *harness.Command { return f.Pgbind("deploy/popular", "--wait=false") })

	for _, result := range results {
		assert.Zero(t, result.Code, result.Stderr)
		f.requireNoPassword(result.Stdout + result.Stderr)
	}
	f.requireOneBinding("popular")
	assert.Len(t, f.boundSecrets(), 1)
	assert.Equal(t, "1", f.admin("SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_'"))
	assert.Equal(
		t, []string{"secret/" + firstSecret + " unchanged", "deployment.apps/popular unchanged"},
		lines(f.bind("deploy/popular").Stdout),
	)
}

func TestAnotherWriterLosesNothing(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(small(deployment("contested", nil)))
	proxy := f.proxy()
	proxy.Hold(func(r *http.Request) bool { return r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" }, false)
	process, err := f.Pgbind("deploy/contested").As(proxy.Kubeconfig).Start(f.ctx)
	require.NoError(t, err)
	require.NoError(t, proxy.WaitHeld(f.ctx))
	patch := `{"spec": {"template": {"spec": {"containers": [{"name": "contested", "envFrom": [{"configMapRef": {"name": "settings", "optional": true}}]}]}}}}`
	_, err = f.Kubectl("patch", "deployment", "contested", "--patch="+patch).Output(f.ctx)
	require.NoError(t, err)
	proxy.Release()
	result, err := process.Wait()
	require.NoError(t, err)
	require.Zero(t, result.Code, result.Stderr)

	references := f.deployment("contested").Spec.Template.Spec.Containers[0].EnvFrom
	require.Len(t, references, 2)
	assert.Equal(t, "settings", references[0].ConfigMapRef.Name)
	assert.Equal(t, firstSecret, references[1].SecretRef.Name)
}

// atOnce runs n commands at once.
func (f *fixture) atOnce(n int, command func(i int) *harness.Command) []harness.Result {
	f.t.Helper()
	results := make([]harness.Result, n)
	var runs errgroup.Group
	for i := range n {
		runs.Go(func() (err error) {
			results[i], err = command(i).Run(f.ctx)
			return err
		})
	}
	require.NoError(f.t, runs.Wait())
	return results
}

// boundSecrets returns the names of the Secrets of bindings.
func (f *fixture) boundSecrets() []string {
	f.t.Helper()
	out, err := f.Kubectl("get", "secrets", "--selector=app.kubernetes.io/managed-by=kubectl-pgbind", "--output=name").Output(f.ctx)
	require.NoError(f.t, err)
	return strings.Fields(out)
}
