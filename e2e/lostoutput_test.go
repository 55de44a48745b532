//go:build e2e

package e2e

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestAnOutputThatGotLostIsAskedForAgain lets an exec succeed and drops its output, as sometimes happens on a busy cluster.
func TestAnOutputThatGotLostIsAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(small(deployment("web", nil)))
	f.bind("deploy/web", "--secret=first", "--wait=false")
	role := f.login("first").Username
	f.bind("unbind", "deploy/web")
	f.admin(`CREATE ROLE "` + role + `"`) // as after a run that died after createuser
	assert.Equal(t, int32(4), f.losing(2, "deploy/web"), "createuser, two looks at the role that is there, psql")
	f.requireOneBinding("web")
}

// losing binds a workload while the output of one of its execs is lost, and returns the number of execs.
func (f *fixture) losing(nth int32, workload string) int32 {
	f.t.Helper()
	var execs atomic.Int32
	proxy, err := faultproxy.Start(f.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		if e.Exec && execs.Add(1) == nth {
			return faultproxy.Fault{Action: faultproxy.Swallow, Moment: faultproxy.MidStdout}
		}
		return faultproxy.Fault{}
	})
	require.NoError(f.t, err)
	defer proxy.Close()
	kubeconfig := filepath.Join(f.t.TempDir(), "kubeconfig")
	require.NoError(f.t, proxy.WriteKubeconfig(kubeconfig))
	result := f.run(f.Pgbind(workload, "--wait=false").As(kubeconfig))
	require.Zero(f.t, result.Code, result.Stderr)
	return execs.Load()
}
