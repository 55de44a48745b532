//go:build e2e

// Package e2e tests the built plugin on a real cluster, run as a user runs it: "kubectl pgbind". Every test has a
// namespace of its own, with the lesson's database and application in it.
package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// testTime limits one test, including its wait for other tests.
const testTime = 50 * time.Minute

var cluster *harness.Harness

func TestMain(m *testing.M) {
	os.Exit(harness.RunTests(os.Stderr, func(h *harness.Harness) int {
		cluster = h
		return m.Run()
	}))
}

// fixture is a namespace whose methods fail the test instead of returning errors.
type fixture struct {
	*harness.Namespace
	t   *testing.T
	ctx context.Context
}

// newNamespace creates a namespace that is deleted after the test. If the test fails, its state is kept as artifacts.
func newNamespace(t *testing.T) *fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	namespace, err := cluster.CreateNamespace(ctx)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			assert.NoError(t, namespace.Dump(ctx, t.ArtifactDir()))
		}
		assert.NoError(t, namespace.Delete(ctx))
	})
	return &fixture{Namespace: namespace, t: t, ctx: ctx}
}

// newLesson deploys the lesson in a namespace of its own. The application lacks only its login.
func newLesson(t *testing.T, changes ...harness.Change) *fixture {
	t.Helper()
	f := newNamespace(t)
	require.NoError(t, f.ApplyLesson(f.ctx, changes...))
	f.rollout("statefulset/" + lesson.Database)
	f.rollout(application)
	f.admin(lesson.CompanySQL())
	return f
}

// newDatabase deploys the lesson's database alone.
func newDatabase(t *testing.T) *fixture {
	t.Helper()
	f := newNamespace(t)
	require.NoError(t, f.ApplyLesson(f.ctx, harness.WithoutClaim, withoutApplication))
	f.rollout("statefulset/" + lesson.Database)
	return f
}
