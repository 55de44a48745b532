package binding

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func TestBindWritesInOrder(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, []string{"createuser", "psql", "create secrets", "patch", "rollout"}, w.log)
	assert.Equal(t, []string{"secret/postgresql-secret-2 created", "deployment.apps/web bound"}, w.Results)
	w.assertBound()
	w.assertNoPassword(nil)
	require.NotNil(t, w.written)
	assert.Equal(t, "deployment.apps/web", w.written.Spec.Workload)
	assert.Equal(t, "svc.ns.svc", w.written.Status.Host)
	assert.True(t, *w.written.Status.Verified)
}

func TestBindTwiceChangesNothing(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	before := *w.role()
	require.NoError(t, w.bind(t.Context()))
	assert.Empty(t, w.log)
	assert.Equal(t, []string{"secret/postgresql-secret-2 unchanged", "deployment.apps/web unchanged"}, w.Results)
	assert.Equal(t, before, *w.role())
	w.assertBound()
}

func TestABindAsksForLittle(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(
		t,
		map[string]int{"create secrets": 2, "get namespaces": 1, "create selfsubjectrulesreviews": 1, "create events": 1},
		w.requests(), "one Secret is tried",
	)
	assert.Equal(t, []int{1}, w.execs)
	assert.Equal(t, 1, w.dries)
	assert.Equal(t, 1, w.searches)
	w.kube.ClearActions()
	w.execs, w.dries = nil, 0
	require.NoError(t, w.bind(t.Context()))
	assert.Equal(t, map[string]int{"get secrets": 1}, w.requests())
	assert.Equal(t, []int{1}, w.execs)
	assert.Zero(t, w.dries)
}

var (
	errRefused = apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "x", errors.New("no"))
	errReset   = errors.New("connection reset")
)

func TestAFailureBeforeTheReferenceLeavesNothing(t *testing.T) {
	for _, step := range []string{"find", "try secret", "try patch", "createuser", "psql", "create secrets", "patch"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t)
			w.fail[step] = errRefused
			err := w.bind(t.Context())
			require.ErrorIs(t, err, errRefused)
			w.assertNoPassword(err)
			w.assertUntouched()
			require.NoError(t, w.bind(t.Context()), "a second run")
			w.assertBound()
		})
	}
}

func TestALostAnswerIsFollowedByTheRightThing(t *testing.T) {
	t.Run("createuser", func(t *testing.T) {
		w := newWorld(t)
		w.lose["createuser"] = &postgres.UnknownError{Err: errReset}
		require.ErrorIs(t, w.bind(t.Context()), errReset)
		w.assertUntouched()
	})
	t.Run("psql", func(t *testing.T) {
		w := newWorld(t)
		w.lose["psql"] = errReset
		require.ErrorIs(t, w.bind(t.Context()), errReset)
		w.assertUntouched()
	})
	t.Run("create secret", func(t *testing.T) {
		w := newWorld(t)
		w.lose["create secrets"] = errReset
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
	})
	t.Run("patch", func(t *testing.T) {
		w := newWorld(t)
		w.lose["patch"] = errReset
		require.NoError(t, w.bind(t.Context()), "the reference is there, so nothing is rolled back")
		w.assertBound()
	})
	t.Run("patch, and the read after it", func(t *testing.T) {
		w := newWorld(t)
		w.lose["patch"], w.fail["reread"] = errReset, errReset
		require.NoError(t, w.bind(t.Context()), "it is read again")
		w.assertBound()
	})
}

func TestInterruptionUndoesUntilTheReferenceIsThere(t *testing.T) {
	for _, step := range []string{"psql", "create secrets", "patch"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(t.Context())
			w.before[step] = func() {
				cancel()
				w.fail[step] = ctx.Err()
			}
			require.ErrorIs(t, w.bind(ctx), context.Canceled)
			w.assertUntouched()
		})
	}
	t.Run("rollout", func(t *testing.T) {
		w := newWorld(t)
		w.fail["rollout"] = context.DeadlineExceeded
		err := w.bind(t.Context())
		var rollout *RolloutError
		require.ErrorAs(t, err, &rollout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "kubectl rollout status deployment.apps/web -n ns")
		w.assertBound()
	})
}

func TestAFailedUndoTellsTheCommand(t *testing.T) {
	w := newWorld(t)
	w.fail["create secrets"] = errRefused
	w.fail["drop role"] = errReset
	require.ErrorIs(t, w.bind(t.Context()), errRefused)
	require.Len(t, w.Warned, 1)
	assert.Contains(t, w.Warned[0], "kubectl exec -n ns postgresql-sfs-0 -- dropuser --username=postgres -- "+w.role().name)
}

func TestARunThatDiedIsCompleted(t *testing.T) {
	bound := newWorld(t)
	require.NoError(t, bound.bind(t.Context()))
	role, secret := *bound.role(), bound.secret()

	t.Run("after createuser", func(t *testing.T) {
		w := newWorld(t)
		w.roles[role.name] = &roleState{name: role.name}
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
	})
	t.Run("after psql", func(t *testing.T) {
		w := newWorld(t)
		left := role
		w.roles[left.name] = &left
		require.NoError(t, w.bind(t.Context()))
		w.assertBound()
	})
	t.Run("after the Secret", func(t *testing.T) {
		w := newWorld(t, secret.DeepCopy())
		left := role
		w.roles[left.name] = &left
		require.NoError(t, w.bind(t.Context()))
		assert.Equal(t, []string{"psql", "patch", "rollout"}, w.log, "the role is this run's now")
		assert.Equal(t, role.password, w.role().password, "Pods may use it")
		w.assertBound()
	})
}

func TestAChangedPasswordIsSetAgain(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	w.role().password = "changed by hand"
	require.NoError(t, w.bind(t.Context()))
	require.Len(t, w.Warned, 1)
	w.assertBound()
}

func TestADeletedSecretMakesTheNextGeneration(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	first := w.role().name
	require.NoError(t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
	require.NoError(t, w.bind(t.Context()))
	assert.Contains(t, w.roles, first, "Pods still run with it")
	assert.NotEqual(t, first, string(w.secret().Data["POSTGRES_USERNAME"]))
	w.assertBound()
}

func TestAForeignSecretIsLeftAlone(t *testing.T) {
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName}, Data: map[string][]byte{"k": []byte("v")}}
	t.Run("the next default name is taken", func(t *testing.T) {
		w := newWorld(t, foreign.DeepCopy())
		require.NoError(t, w.bind(t.Context()))
		assert.Equal(t, "secret/web-pgbind created", w.Results[0])
		assert.Equal(t, foreign.Data, w.secret().Data)
	})
	t.Run("a chosen name is refused", func(t *testing.T) {
		w := newWorld(t, foreign.DeepCopy())
		err := w.bind(t.Context(), func(i *Item) { i.Spec.Secret = secretName })
		require.ErrorContains(t, err, "secret/"+secretName)
		require.ErrorContains(t, err, "--secret")
		assert.Empty(t, w.log)
	})
}

func TestForgedMarksGainNothing(t *testing.T) {
	bound := newWorld(t)
	require.NoError(t, bound.bind(t.Context()))
	forged := bound.secret().DeepCopy()
	forged.Data["POSTGRES_USERNAME"] = []byte("postgres")
	w := newWorld(t, forged)
	require.ErrorContains(t, w.bind(t.Context()), "delete it")
	assert.Empty(t, w.log)
}

func TestAForeignRoleIsLeftAlone(t *testing.T) {
	bound := newWorld(t)
	require.NoError(t, bound.bind(t.Context()))
	w := newWorld(t)
	w.roles[bound.role().name] = &roleState{name: bound.role().name, mark: "somebody else's"}
	var foreign *postgres.ForeignRoleError
	require.ErrorAs(t, w.bind(t.Context()), &foreign)
	assert.Empty(t, w.log)
	require.NotNil(t, w.role())
}

func TestDryRunWritesNothingAndShowsNoSecret(t *testing.T) {
	for _, strategy := range []cmdutil.DryRunStrategy{cmdutil.DryRunClient, cmdutil.DryRunServer} {
		w := newWorld(t)
		require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Options.DryRun, i.Options.Script = strategy, true }))
		assert.Empty(t, w.log)
		require.Len(t, w.Shown, 2)
		for _, part := range []string{"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES", "# secret/", "POSTGRES_PASSWORD", "- secretRef:", "MASKED"} {
			assert.Contains(t, w.Shown[0], part)
		}
		for _, part := range []string{"createuser", "LOCK TABLE pg_catalog.pg_authid", "MASKED"} {
			assert.Contains(t, w.Shown[1], part)
		}
		assert.NotContains(t, w.Shown[0]+w.Shown[1], "SCRAM-SHA-256$")
		assert.Nil(t, w.secret())
		assert.Nil(t, w.role())
	}
}

// TestDryRun_IsShort: a person reads the plan before the first bind.
func TestDryRun_IsShort(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), func(i *Item) {
		i.Options.DryRun, i.Spec.CreateDatabase, i.Spec.DBName = cmdutil.DryRunClient, true, "shop"
		i.Spec.Schemas, i.Spec.Extensions, i.Spec.Keys = []string{
			"a", "b", "c",
		}, []string{
			"citext",
			"cube",
		}, []string{
			"uri",
			"servicebinding",
		}
	}))
	lines := strings.Split(w.Shown[0], "\n")
	assert.LessOrEqual(t, len(lines)+len(w.Results), 40, w.Shown[0])
	assert.Contains(t, w.Shown[0], "- secretRef:", "nothing that matters is cut")
	for _, line := range lines {
		assert.LessOrEqual(t, len([]rune(line)), maxLine+1)
	}
	many := make([]string, 60)
	short := shorten(many, false)
	require.Len(t, short, maxPlan)
	assert.Equal(t, "# and 23 more lines: -v=2 prints them and the whole script", short[maxPlan-1])
	assert.Len(t, shorten(many, true), 60)
}

func TestInjectNonePrintsThePatch(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.Inject = "none" }))
	assert.Equal(t, []string{"createuser", "psql", "create secrets"}, w.log)
	require.Len(t, w.Shown, 1)
	assert.Contains(t, w.Shown[0], "secretRef")
	assert.Empty(t, w.workloads["web"].Annotations())
}

func TestASecondBindingNeedsAPrefix(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	err := w.bind(t.Context(), func(i *Item) { i.Spec.DBName = "shop" })
	require.ErrorContains(t, err, "--env-prefix")
	assert.Empty(t, w.log)
	require.NoError(t, w.bind(t.Context(), func(i *Item) { i.Spec.DBName, i.Spec.EnvPrefix = "shop", "SHOP_" }))
	assert.Len(t, w.roles, 2)
	assert.Len(t, secret.AnnotationsOf(w.workloads["web"].Annotations()), 2)
	require.NoError(t, w.bind(t.Context()), "the first one is still the same")
	assert.Empty(t, w.log)
}
