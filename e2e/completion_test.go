//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// completionFactor limits the duration of a completion by the plugin, as a multiple of kubectl's own: kubectl starts a script, which starts
// the plugin.
const completionFactor = 3

// TestCompletion runs before the parallel tests, because it measures time.
func TestCompletion(t *testing.T) {
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("second", nil))
	f.installCompletion()
	f.bind(application)
	context, err := f.Harness.Kubectl("config", "current-context").Output(f.ctx)
	require.NoError(t, err)
	context = strings.TrimSpace(context)
	_, own := f.fastest(0, "get", "pods", "--namespace", f.Name, "")
	limit := completionFactor * own
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"comple"}, []string{"completion"}},
		{[]string{"state"}, []string{"statefulset/"}},
		{[]string{"deployment/"}, []string{application, "deployment/second"}},
		{[]string{"deploy", "sec"}, []string{"second"}},
		{[]string{"service/"}, nil},
		{[]string{application, "--container", "post"}, []string{"postgresql-application-container"}},
		{[]string{application, "--access", "read"}, []string{"readwrite", "readonly"}},
		{[]string{application, "--inject", "env"}, []string{"envFrom", "env"}},
		{[]string{application, "--key", "p"}, []string{"port", "pgpass"}},
		{[]string{application, "--sslmode", "verify"}, []string{"verify-ca", "verify-full"}},
		{[]string{application, "--dry-run="}, []string{"none", "client", "server"}},
		{[]string{application, "-o", "y"}, []string{"yaml"}},
		{[]string{"list", "-o", "w"}, []string{"wide"}},
		{[]string{"version", "-o", ""}, []string{"json", "yaml"}},
		{[]string{"apply", "-f", ""}, []string{"json", "yaml", "yml"}},
		{[]string{"--context", ""}, []string{context}},
		{[]string{application, "--postgres", ""}, []string{"service/postgresql-svc", "statefulset/postgresql-sfs", "pod/postgresql-sfs-0"}},
		{[]string{application, "--dbname", ""}, []string{"postgres"}},
		{[]string{application, "--secret", ""}, []string{firstSecret}},
		{[]string{application, "--postgres-namespace", f.Name}, []string{f.Name}},
		{[]string{"--namespace", f.Name}, []string{f.Name}},
		{[]string{"unbind", ""}, []string{application}},
		{[]string{"unbind", "deploy/"}, []string{"deploy/postgresql-application"}},
		{[]string{"rotate", ""}, []string{application}},
		{[]string{"check", ""}, []string{application}},
		{[]string{"psql", ""}, []string{application}},
	} {
		candidates, fastest := f.complete(limit, test.words...)
		assert.ElementsMatch(t, test.want, candidates, test.words)
		assert.Less(t, fastest, limit, test.words)
	}
}

// installCompletion puts the script where kubectl looks for it, as its own text says.
func (f *fixture) installCompletion() {
	f.t.Helper()
	script, err := f.Harness.Pgbind("completion").As("/dev/null").Output(f.ctx)
	require.NoError(f.t, err, "no kubeconfig is needed")
	require.NoError(f.t, f.Install("kubectl_complete-pgbind", []byte(script)))
}

// complete has kubectl complete the last of the words after "kubectl pgbind --namespace=...", and returns the duration.
func (f *fixture) complete(limit time.Duration, words ...string) (candidates []string, fastest time.Duration) {
	f.t.Helper()
	candidates, fastest = f.fastest(limit, append([]string{"pgbind", "--namespace", f.Name}, words...)...)
	directive := slices.IndexFunc(candidates, func(line string) bool { return strings.HasPrefix(line, ":") })
	require.GreaterOrEqual(f.t, directive, 0, candidates)
	require.NotEqual(f.t, ":0", candidates[directive], "all files are offered: %q", candidates)
	return candidates[:directive], fastest
}

// fastest repeats a completion until it takes less than the limit, ten times at most, because the machine may have other work.
func (f *fixture) fastest(limit time.Duration, words ...string) (candidates []string, fastest time.Duration) {
	f.t.Helper()
	const tries = 10
	for try := range tries {
		start := time.Now()
		out, err := f.Harness.Kubectl(append([]string{"__completeNoDesc"}, words...)...).Output(f.ctx)
		took := time.Since(start)
		require.NoError(f.t, err)
		candidates = lines(out)
		if try == 0 || took < fastest {
			fastest = took
		}
		if fastest < limit {
			break
		}
	}
	return candidates, fastest
}
