//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestServerThatTrustsTheNetworkIsTold binds to a server that asks for no password, where a login proves nothing. Before version 16, a
// second login without a password detects that, at the host of the first.
func TestServerThatTrustsTheNetworkIsTold(t *testing.T) {
	t.Parallel()
	const notVerified = "the password is not verified: the server trusts connections to "
	for _, version := range []string{"13", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := newNamespace(t)
			f.create(passwordSecret())
			f.startPostgres(postgresPod("pg", "postgres:"+version, map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust"}, nil))
			apply := func(more string, names ...string) harness.Result {
				f.idle(names...)
				var specs []string
				for _, name := range names {
					specs = append(specs, "workload: deployment/"+name+", postgres: pod/pg"+more)
				}
				result := f.apply(f.bindings(t.TempDir(), specs...))
				assert.Len(t, verbsOf(result, "bound"), len(names), result.Stderr)
				return result
			}
			f.idle("web")
			assert.Contains(t, f.bind("deployment/web", "--postgres=pod/pg").Stderr, notVerified+"pg."+f.Name)
			result := apply("", "one", "two", "three")
			assert.Equal(t, 3, strings.Count(result.Stderr, notVerified+"pg."+f.Name), result.Stderr)
			result = apply(", clusterDomain: nowhere.cluster.local", "lost", "gone", "astray")
			assert.Equal(t, 3, strings.Count(result.Stderr, notVerified), result.Stderr)
		})
	}
}
