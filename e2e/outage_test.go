//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestApplyAmidOutages applies a file while a database server is down, the API server throttles (for one workload without end), and another
// workload is deleted just before its patch. Each binding is created, or fails for its own reason and leaves nothing; the next run creates
// the rest.
func TestApplyAmidOutages(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.admin("CREATE DATABASE shop")
	f.stoppableServer()
	workloads := []string{"one", "two", "shop", "throttled", "gone", "down", "down-too"}
	for _, name := range workloads {
		f.labelled(name)
	}
	file := f.bindings(
		t.TempDir(), "workload: deployment/one", "workload: deployment/two", "workload: deployment/shop, dbname: shop",
		"workload: deployment/throttled", "workload: deployment/gone", "workload: deployment/down, postgres: pod/pg",
		"workload: deployment/down-too, postgres: pod/pg, dbname: shop",
	)
	f.stopServer()
	kubeconfig, throttled := f.throttling("throttled", func() { f.delete("deployment", "gone") })

	result := f.run(f.Pgbind("apply", "-f", file, "--wait=false", "--concurrency=4").As(kubeconfig))

	t.Log(result.Stdout + result.Stderr)
	assert.Equal(t, 1, result.Code)
	f.requireNoPassword(result.Stdout + result.Stderr)
	assert.ElementsMatch(t, []string{"one", "two", "shop"}, boundIn(result))
	for workload, cause := range map[string]string{
		"throttled": `said the test`, "gone": `not found`, "down": `pod/pg.*accepts no connections`, "down-too": `pod/pg.*accepts no connections`,
	} {
		assert.Regexp(t, `(?m)^error: deployment\.apps/`+workload+`\b.*`+cause, result.Stderr)
	}
	assert.Equal(t, 4, strings.Count(result.Stderr, "error: "), "each binding has its line")
	assert.Contains(t, result.Stderr, "4 failed")
	assert.Greater(t, throttled(), len(workloads), "of the others too")
	assert.Len(t, f.boundSecrets(), 3, "what failed left no Secret")
	assert.Len(t, strings.Fields(f.loginRoles()), 3, "what failed left no role")
	for _, name := range []string{"throttled", "down", "down-too"} {
		assert.Empty(t, f.references(name))
	}

	f.startServer()
	f.labelled("gone")
	again := f.apply(file)
	assert.ElementsMatch(t, []string{"throttled", "gone", "down", "down-too"}, boundIn(again), "only what failed is repeated")
	assert.Len(t, verbsOf(again, "unchanged"), 3)
	assert.Len(t, verbsOf(f.apply(file), "unchanged"), len(workloads))
	assert.Equal(t, slices.Repeat([]string{"OK"}, len(workloads)), reasons(f.check(0)))
}

// boundIn returns the Deployments that an apply reports as bound.
func boundIn(result harness.Result) []string {
	var names []string
	for _, line := range verbsOf(result, "bound") {
		workload, _, _ := strings.Cut(line, " ")
		names = append(names, strings.TrimPrefix(workload, "deployment.apps/"))
	}
	return names
}

// stoppableServer is a server in the Pod pg, with a database shop, that can be stopped while the Pod runs and is ready.
func (f *fixture) stoppableServer() {
	f.t.Helper()
	f.create(passwordSecret())
	f.startPostgres(postgresPod("pg", databaseImage, nil, func(pod *corev1.Pod) {
		database := &pod.Spec.Containers[0]
		database.ReadinessProbe = nil
		database.Command = []string{"sh", "-c", "while :; do [ -e /tmp/stopped ] || docker-entrypoint postgres; sleep 0.2; done"}
	}))
	f.eventually("the server starts", func() bool { return f.sqlIn("pg", "SELECT 'up'") == "up" })
	f.kubectl("exec", "pg", "--", "createdb", "--username=postgres", "shop")
}

func (f *fixture) stopServer() {
	f.t.Helper()
	f.kubectl("exec", "pg", "--", "sh", "-c", `touch /tmp/stopped; exec gosu postgres pg_ctl stop --mode=fast`)
}

func (f *fixture) startServer() {
	f.t.Helper()
	f.kubectl("exec", "pg", "--", "rm", "/tmp/stopped")
	f.eventually("the server starts again", func() bool { return f.sqlIn("pg", "SELECT 'up'") == "up" })
}

// throttling starts an API server that refuses the first of each kind of request with 429, and the patch of one Deployment each time. It
// calls a function before the patch of the Deployment "gone". It returns its kubeconfig, and a function that counts the refused requests.
func (f *fixture) throttling(without string, beforePatch func()) (kubeconfig string, refused func() int) {
	f.t.Helper()
	var mu sync.Mutex
	count := 0
	throttle := func() faultproxy.Fault {
		mu.Lock()
		defer mu.Unlock()
		count++
		return faultproxy.Fault{Action: faultproxy.Answer, Code: http.StatusTooManyRequests}
	}
	patch := func(name string) string {
		return "PATCH /apis/apps/v1/namespaces/" + f.Name + "/deployments/" + name
	}
	proxy, err := faultproxy.Start(f.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		switch {
		case e.Request == patch(without), e.Nth == 1 && !e.Exec:
			return throttle()
		case e.Request == patch("gone") && e.Nth == 2:
			beforePatch()
		}
		return faultproxy.Fault{}
	})
	require.NoError(f.t, err)
	f.t.Cleanup(proxy.Close)
	kubeconfig = filepath.Join(f.t.TempDir(), "kubeconfig")
	require.NoError(f.t, proxy.WriteKubeconfig(kubeconfig))
	return kubeconfig, func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}
