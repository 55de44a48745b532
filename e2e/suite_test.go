//go:build e2e

// Package e2e proves the built plugin on a real cluster, run as a user runs it: "kubectl pgbind". Every test has a
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

// testTime is the most that one test may take, with its wait for a place among those that run.
const testTime = 25 * time.Minute

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

// newNamespace makes a namespace that goes away with the test; when the test failed, its state is kept as artifacts.
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

// newLesson deploys the lesson in a namespace of its own, up to where the application lacks nothing but its login.
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
