//go:build e2e && soak

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestTakeover_KilledAtEveryRequest kills a takeover, and then its undo, at each request and exec. The next run completes it.
func TestTakeover_KilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin(
		"CREATE ROLE boss LOGIN PASSWORD '" + formerPassword + "'; GRANT CREATE ON SCHEMA public TO boss; ALTER TABLE company OWNER TO boss",
	)
	f.withLogin("boss")
	before, owners := f.schemaWithoutOwners(), f.owners()
	take, undo := []string{
		"takeover",
		"deployment/postgresql-application",
	}, []string{
		"takeover", "deployment/postgresql-application", "--undo", "--yes", "--grace=1s",
	}

	proxy := f.proxy()
	require.Zero(t, f.run(f.Pgbind(take...).As(proxy.Kubeconfig)).Code)
	requests := len(proxy.Requests())
	require.Greater(t, requests, 10)
	f.quiet(0, undo...)
	var points []int
	for point := 1; point <= requests; point++ {
		points = append(points, point)
	}
	for _, point := range chosen(t, points) {
		name := fmt.Sprintf("killed before request %d", point)
		f.killBefore(point, take)
		f.quiet(0, take...)
		assert.Contains(t, f.owner("company"), "pgbind_postgres_public_all_", name)
		assert.Equal(t, before, f.schemaWithoutOwners(), name)
		f.requireHealthy()

		f.killBefore(point, undo)
		result := f.run(f.Pgbind(undo...))
		if result.Code != 0 { // the killed run was complete, apart from its last answer
			assert.Contains(t, result.Stderr, "has no binding", name)
		}
		assert.Equal(t, owners, f.owners(), name)
		assert.Equal(t, before, f.schemaWithoutOwners(), name)
		assert.Equal(t, "0", f.admin(`SELECT count(*) FROM pg_auth_members WHERE member = 'boss'::regrole`), name)
		f.asFormer("boss", "SELECT FROM company")
		f.rollout(application)
	}
}

// killBefore kills the command when it sends that request, if it sends so many.
func (f *fixture) killBefore(point int, args []string) {
	f.t.Helper()
	proxy, number := f.proxy(), 0
	proxy.Hold(func(*http.Request) bool {
		number++
		return number == point
	}, false)
	process, err := f.Pgbind(args...).As(proxy.Kubeconfig).Start(f.ctx)
	require.NoError(f.t, err)
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	if proxy.WaitHeld(ctx) == nil {
		require.NoError(f.t, process.Signal(syscall.SIGKILL))
	}
	_, err = process.Wait()
	require.NoError(f.t, err)
	proxy.Release()
}
