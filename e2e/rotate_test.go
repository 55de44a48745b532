//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestRotateUnderLoad compares rotations with restarts. Both replace the same Pods, so a rotation causes every further failure.
func TestRotateUnderLoad(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	require.NoError(t, f.WaitForPage(f.ctx, lesson.Page))
	const times = 3

	restarts := f.underLoad(func() {
		for range times {
			_, err := f.Kubectl("rollout", "restart", application).Output(f.ctx)
			require.NoError(t, err)
			f.rollout(application)
		}
	})
	rotations := f.underLoad(func() {
		for range times {
			f.bind("rotate", application, "--grace=1s")
		}
	})

	t.Logf("%d restarts: %d of %d requests failed; %d rotations: %d of %d requests failed",
		times, len(restarts.failed), restarts.sent, times, len(rotations.failed), rotations.sent)
	assert.Greater(t, rotations.sent, 50, "there was a load")
	assert.LessOrEqual(t, len(rotations.failed), len(restarts.failed), "%v", rotations.failed)
	assert.Equal(t, f.login(firstSecret).Username, f.loginRoles(), "there is exactly one login role")
	assert.True(t, strings.HasSuffix(f.loginRoles(), "_4"), "and it is the fourth")
}

// load counts the requests and their results.
type load struct {
	sent   int
	failed []string
}

// underLoad fetches the page ten times a second while do runs.
func (f *fixture) underLoad(do func()) load {
	f.t.Helper()
	ctx, stop := context.WithCancel(f.ctx)
	defer stop()
	result := load{}
	var workers sync.WaitGroup
	workers.Go(func() {
		for ticks := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				ticks.Stop()
				return
			case <-ticks.C:
			}
			// Not the context that ends, so that the last request is completed.
			_, page, err := f.Page(f.ctx) //nolint:contextcheck // on purpose, see above
			result.sent++
			if err != nil {
				result.failed = append(result.failed, err.Error())
			} else if page != lesson.Page {
				result.failed = append(result.failed, page)
			}
		}
	})
	do()
	stop()
	workers.Wait()
	return result
}

// TestRotate rotates one binding. Each part continues with the state of the part before.
func TestRotate(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	for _, part := range []struct {
		name string
		test func(*fixture)
	}{
		{"everything that uses the Secret takes the new login", rotatesAllUsers},
		{"what was granted to the user itself is not lost", refusesGrants},
		{"a failed rollout is rolled back", takesRolloutBack},
		{"the run is killed", finishesKilled},
		{"a deleted Secret", rotatesDeletedSecret},
		{"only the password", rotatesInPlace},
		{"only what is old", rotatesOld},
		{"two runs at once", rotatesTwice},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(f.in(t)) }) {
			return
		}
	}
}

func rotatesAllUsers(f *fixture) {
	other := deployment("other", nil)
	other.Spec.Template.Spec.Containers[0].EnvFrom = append(other.Spec.Template.Spec.Containers[0].EnvFrom, envFrom(firstSecret))
	f.create(other)
	f.rollout("deployment/other")
	former := f.login(firstSecret)
	f.as(firstSecret, "CREATE TABLE orders(id int)")

	result := f.bind("rotate", application, "--grace=1s")

	assert.Equal(f.t, []string{"secret/" + firstSecret + " rotated", "role/" + former.Username + " dropped"}, lines(result.Stdout))
	f.assertRotated(former)
	f.as(firstSecret, "INSERT INTO orders VALUES (1); ALTER TABLE orders ADD note text")
	assert.Contains(f.t, result.Stderr, `deployment "other" successfully rolled out`)
	f.delete("deployment", "other")
}

func refusesGrants(f *fixture) {
	role := f.login(firstSecret).Username
	f.admin("CREATE TABLE granted(id int); GRANT SELECT ON granted TO " + role)
	before := f.traces()
	result := f.run(f.Pgbind("rotate", application))
	assert.Equal(f.t, 1, result.Code)
	for _, words := range []string{role, "privileges on table public.granted", "--in-place", "--force"} {
		assert.Contains(f.t, result.Stderr, words)
	}
	assert.Equal(f.t, before, f.traces())
	f.admin("DROP TABLE granted")
}

// takesRolloutBack lets no new Pod start.
func takesRolloutBack(f *fixture) {
	former := f.login(firstSecret)
	f.create(
		&corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "full"},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"pods": resource.MustParse("2")}},
		},
	)
	result := f.run(f.Pgbind("rotate", application, "--timeout=10s"))
	assert.Equal(f.t, 124, result.Code, result.Stderr)
	assert.Contains(f.t, result.Stderr, "the new login in secret/"+firstSecret+" rolled back")
	assert.Equal(f.t, former, f.login(firstSecret))
	assert.Equal(f.t, former.Username, f.loginRoles())
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
	f.delete("resourcequota", "full")
}

// finishesKilled kills a run before and after the Secret is written, and when the first role is dropped. The next run completes it or
// starts again; one login is left, and the page works.
func finishesKilled(f *fixture) {
	for _, said := range []string{"verified", "holds the login", "REASSIGN OWNED"} {
		former := f.login(firstSecret)
		f.as(firstSecret, "SET ROLE none; SELECT lo_create(0)") // the login itself owns something, which is reassigned
		f.killedAt(said, "rotate", application, "--grace=0s", "-v=1")
		f.bind("rotate", application, "--grace=0s")
		f.assertRotated(former)
	}
}

func rotatesDeletedSecret(f *fixture) {
	former := f.login(firstSecret)
	f.delete("secret", firstSecret)
	f.bind("rotate", application, "--grace=1s")
	f.assertRotated(former)
}

func rotatesInPlace(f *fixture) {
	former := f.login(firstSecret)
	result := f.bind("rotate", application, "--in-place")
	assert.Contains(f.t, result.Stderr, "kubectl rollout restart")
	changed := f.login(firstSecret)
	assert.Equal(f.t, former.Username, changed.Username)
	_, err := f.UserSQL(f.ctx, former, "SELECT 1")
	require.ErrorContains(f.t, err, "password authentication failed")
	f.as(firstSecret, "SELECT 1")
	_, err = f.Kubectl("rollout", "restart", application).Output(f.ctx)
	require.NoError(f.t, err)
	f.rollout(application)
}

func rotatesOld(f *fixture) {
	former := f.login(firstSecret)
	result := f.bind("rotate", "--all", "--older-than=1h")
	assert.Contains(f.t, result.Stderr, "nothing to rotate")
	assert.Equal(f.t, former, f.login(firstSecret))
	f.bind("rotate", "--all", "--older-than=1s", "--grace=0s")
	f.assertRotated(former)

	_, err := f.Kubectl("label", application, "tier=front").Output(f.ctx)
	require.NoError(f.t, err)
	former = f.login(firstSecret)
	result = f.bind("rotate", "--selector=tier=back")
	assert.Contains(f.t, result.Stderr, "nothing to rotate")
	f.bind("rotate", "--selector=tier=front", "--grace=0s")
	f.assertRotated(former)
}

func rotatesTwice(f *fixture) {
	former := f.login(firstSecret)
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() { _, _ = f.Pgbind("rotate", application, "--grace=0s").Run(f.ctx) })
	}
	runs.Wait()
	f.bind("rotate", application, "--grace=0s")
	f.assertRotated(former)
}

// TestRotateFiles rotates a binding whose Secret is mounted.
func TestRotateFiles(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application, "--inject=volume", "--mount-path=/login")
	template := f.application().Spec.Template
	first := f.login(firstSecret)

	result := f.bind("rotate", application, "--settle=1s")

	assert.Contains(t, result.Stderr, "stays until the next rotation")
	assert.Equal(t, template, f.application().Spec.Template, "no Pod was replaced")
	second := f.login(firstSecret)
	_, err := f.UserSQL(f.ctx, first, "SELECT 1")
	require.NoError(t, err, "who has not read the files again can still log in")

	f.bind("rotate", application, "--settle=1s")
	_, err = f.UserSQL(f.ctx, first, "SELECT 1")
	require.Error(t, err)
	_, err = f.UserSQL(f.ctx, second, "SELECT 1")
	require.NoError(t, err)

	f.bind("rotate", application, "--settle=1s", "--drop-after=2s")
	assert.Equal(t, f.login(firstSecret).Username, f.loginRoles())
	f.bind("unbind", application, "--grace=0s")
	f.assertUnbound()
}

// assertRotated requires one login, a new one, with which the application works.
func (f *fixture) assertRotated(former harness.Login) {
	f.t.Helper()
	now := f.login(firstSecret)
	assert.NotEqual(f.t, former.Username, now.Username)
	assert.NotEqual(f.t, former.Password, now.Password)
	assert.Equal(f.t, now.Username, f.loginRoles())
	f.as(firstSecret, "SELECT * FROM company")
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
}

// loginRoles is every login role that we made.
func (f *fixture) loginRoles() string {
	f.t.Helper()
	return f.admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgb\\_%' ORDER BY 1")
}
