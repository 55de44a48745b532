//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

func TestDryRunShowsAllAndWritesNothing(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	for strategy, suffix := range map[string]string{"client": " (dry run)", "server": " (server dry run)"} {
		t.Run(strategy, func(t *testing.T) {
			f := f.in(t)
			proxy := f.proxy()
			before, version := f.traces(), f.application().ResourceVersion

			result := f.run(f.Pgbind(application, "--key=servicebinding", "--dry-run="+strategy, "-v=2").As(proxy.Kubeconfig))

			require.Zero(t, result.Code, result.Stderr)
			assert.Equal(t, before, f.traces())
			assert.Equal(t, version, f.application().ResourceVersion)
			for _, words := range []string{
				"createuser", "ALTER ROLE :\"role\" LOGIN PASSWORD", "MASKED", "secret/" + firstSecret + ", type Opaque: ", "POSTGRES_PASSWORD",
				"secret/" + firstSecret + "-binding, type servicebinding.io/postgresql: ", "+ - secretRef:", "+ name: " + firstSecret,
				"secret/" + firstSecret + " created" + suffix, "deployment.apps/postgresql-application bound" + suffix,
			} {
				assert.Contains(t, squeeze(result.Stdout), squeeze(words))
			}
			assert.NotContains(t, result.Stdout, "SCRAM-SHA-256$")
			for _, request := range proxy.Requests() {
				if strategy == "client" {
					assert.Regexp(t, "^GET ", request)
				} else if !strings.HasPrefix(request, "GET ") {
					assert.Contains(t, request, "dryRun=All")
				}
				assert.NotContains(t, request, "/exec")
			}
		})
	}
	f.bind(application)
	result := f.bind(application, "--dry-run=client")
	assert.Contains(t, result.Stdout, "secret/"+firstSecret+" unchanged (dry run)")
	assert.Contains(t, result.Stdout, "deployment.apps/postgresql-application unchanged (dry run)")
}

// TestDryRunIsShort counts the lines of the plan, whatever the database contains.
func TestDryRunIsShort(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	f.admin("CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA c")
	f.admin(`SELECT format('CREATE TABLE %I.t%s(id int)', s, n) FROM unnest(ARRAY['a', 'b', 'c']) s, generate_series(1, 100) n \gexec`)
	for _, strategy := range []string{"client", "server"} {
		result := f.bind(
			"deployment/web", "--schema=a", "--schema=b", "--schema=c", "--access=readwrite", "--key=uri",
			"--dry-run="+strategy,
		)
		assert.LessOrEqual(t, strings.Count(result.Stdout, "\n"), 40, result.Stdout)
		for _, line := range []string{
			`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "a", "b", "c" TO `, "POSTGRES_PASSWORD", "+ - secretRef:", "deployment.apps/web bound",
		} {
			assert.Contains(t, squeeze(result.Stdout), squeeze(line))
		}
		assert.NotContains(t, result.Stdout, "more lines")
	}
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
}

// proxy starts a proxy that ends with the test.
func (f *fixture) proxy() *harness.Proxy {
	f.t.Helper()
	proxy, err := f.NewProxy(f.t.TempDir())
	require.NoError(f.t, err)
	f.t.Cleanup(proxy.Close)
	return proxy
}

// squeeze replaces white space by one space each, so that indentation does not matter.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }
