package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
)

func specs(number int) []string {
	var all []string
	for i := range number {
		all = append(all, fmt.Sprintf("workload: deployment/w%d", i))
	}
	return all
}

// withWorkloads is a world with that many more workloads.
func withWorkloads(t *testing.T, number int) *world {
	t.Helper()
	w := newWorld(t)
	for i := range number {
		w.add(fmt.Sprintf("w%d", i))
	}
	return w
}

func TestManySharesWhatCanBeShared(t *testing.T) {
	w := withWorkloads(t, 16)
	items := w.apply(t.Context(), specs(16)...)
	assert.Equal(t, map[Outcome]int{Created: 16}, outcomes(items))
	assert.Equal(t, 16, w.verified)
	assert.Equal(t, 1, w.searches)
	assert.Equal(t, 1, w.lists, "the workloads are read at once")
	assert.Zero(t, w.gets)
	assert.Equal(t, []int{16}, w.execs, "createuser and psql for all")
	assert.Equal(
		t,
		map[string]int{"get namespaces": 1, "create secrets": 17, "create selfsubjectrulesreviews": 1, "create events": 16},
		w.requests(),
		"one Secret and one patch are tried",
	)
	assert.Equal(t, 1, w.dries)
	names := map[string]bool{}
	for _, i := range items {
		names[i.Binding.Name] = true
	}
	assert.Len(t, names, 16)
	assert.Contains(t, names, secretName)
	assert.Contains(t, names, "w15-pgbind")
}

func TestPhasesFollowEachOther(t *testing.T) {
	w := withWorkloads(t, 60)
	items := w.apply(t.Context(), specs(60)...)
	assert.Equal(t, map[Outcome]int{Created: 60}, outcomes(items))
	assert.ElementsMatch(t, []int{30, 30}, w.execs, "as many at once as a node may have")
	last := ""
	for _, what := range slices.Compact(w.log) {
		if order := []string{"createuser", "psql", "create secrets", "patch", "rollout"}; last != "" && what != "createuser" {
			assert.GreaterOrEqual(t, slices.Index(order, what), slices.Index(order, last), "%s after %s", what, last)
		}
		last = what
	}
}

func TestAServerThatDoesNotAnswerHoldsUpNobodyElse(t *testing.T) {
	w := withWorkloads(t, 2)
	w.slow = func(requests []postgres.Request) {
		if requests[0].Role.Access.Database != "slow" {
			return
		}
		assert.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.finished) == 1
		}, 10*time.Second, time.Millisecond, "the other one is done meanwhile")
	}
	items := w.apply(t.Context(), "workload: deployment/w0, dbname: slow, postgres: pod/other-0", "workload: deployment/w1")
	assert.Equal(t, map[Outcome]int{Created: 2}, outcomes(items))
}

func TestWorkloadsThatMayNotBeListedAreReadOneByOne(t *testing.T) {
	w := withWorkloads(t, 12)
	w.fail["list"] = apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "", nil)
	assert.Equal(t, map[Outcome]int{Created: 12}, outcomes(w.apply(t.Context(), specs(12)...)))
	assert.Equal(t, 12, w.gets)
}

func TestSecretsThatMayNotBeListedAreTriedOneByOne(t *testing.T) {
	w := withWorkloads(t, 12)
	w.always["list secrets"] = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", nil)
	items := w.apply(t.Context(), specs(12)...)
	assert.Equal(t, map[Outcome]int{Created: 12}, outcomes(items))
	names := map[string]bool{}
	for _, i := range items {
		names[i.Binding.Name] = true
	}
	assert.Len(t, names, 12)
}

func TestWhatTheAPIServerRefusesIsWrittenNowhere(t *testing.T) {
	w := withWorkloads(t, 3)
	refused := errors.New("refused")
	w.fail["try patch w0"], w.fail["try patch w1"], w.fail["try patch w2"] = refused, refused, refused
	for _, i := range w.apply(t.Context(), specs(3)...) {
		require.ErrorIs(t, i.Err, refused)
	}
	assert.Empty(t, w.execs)
}

func TestManyTwiceChangesNothing(t *testing.T) {
	w := withWorkloads(t, 3)
	w.apply(t.Context(), specs(3)...)
	w.log = nil
	assert.Equal(t, map[Outcome]int{Unchanged: 3}, outcomes(w.apply(t.Context(), specs(3)...)))
	assert.Empty(t, w.log)
}

func TestWhatFilesChangeIsChanged(t *testing.T) {
	for name, changed := range map[string]string{
		"injection": "inject: env", "prefix": "envPrefix: DB_", "access": "access: readonly", "expiry": `expires: "2099-01-01T00:00:00Z"`, "keys": "keys: [uri]",
		"sslmode": "sslmode: require", "a certificate": "caFrom: secret/ca:ca.crt",
	} {
		t.Run(name, func(t *testing.T) {
			w := withWorkloads(t, 1)
			ca := &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"},
				Data:       map[string][]byte{"ca.crt": []byte("PEM")},
			}
			require.NoError(t, w.kube.Tracker().Add(ca))
			w.apply(t.Context(), "workload: deployment/w0")
			for _, want := range []Outcome{Configured, Unchanged} {
				item := w.apply(t.Context(), "workload: deployment/w0, "+changed)[0]
				require.NoError(t, item.Err)
				assert.Equal(t, want, item.Outcome)
			}
			assert.Len(t, secret.AnnotationsOf(w.workloads["w0"].Annotations()), 1)
		})
	}
}

func TestOneFailureDoesNotStopTheOthers(t *testing.T) {
	down := errors.New("down")
	w := withWorkloads(t, 5)
	w.fail["find gone-0"], w.fail["psql broken"] = down, down
	items := w.apply(t.Context(), "workload: deployment/w0", "workload: deployment/vanished",
		"workload: deployment/w1, postgres: pod/gone-0", "workload: deployment/w2, dbname: broken", "workload: deployment/w3")
	assert.Equal(t, map[Outcome]int{Created: 2, Failed: 3}, outcomes(items))
	for _, i := range items {
		assert.Equal(t, i.Outcome == Failed, i.Err != nil)
	}
	assert.Len(t, w.roles, 2, "what failed leaves nothing")
}

func TestAnItemThatFailsLateIsRolledBackAlone(t *testing.T) {
	w := withWorkloads(t, 3)
	w.fail["patch w1"] = errors.New("refused")
	assert.Equal(t, map[Outcome]int{Created: 2, Failed: 1}, outcomes(w.apply(t.Context(), specs(3)...)))
	assert.Len(t, w.roles, 2)
	assert.Contains(t, w.log, "delete secrets")
	assert.Contains(t, w.log, "drop role")
}

func TestAnEndedContextFailsTheRest(t *testing.T) {
	w := withWorkloads(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, map[Outcome]int{Failed: 3}, outcomes(w.apply(ctx, specs(3)...)))
	assert.Empty(t, w.execs)
}

func TestWorkloadsAreNotChangedWhenItIsOver(t *testing.T) {
	over := errors.New("over")
	ctx, end := context.WithCancelCause(t.Context())
	w := withWorkloads(t, 60)
	w.slow = func([]postgres.Request) { end(over) }
	items := w.apply(ctx, specs(60)...)
	assert.Equal(t, map[Outcome]int{Failed: 60}, outcomes(items))
	require.ErrorIs(t, items[0].Err, over)
	assert.NotContains(t, w.log, "patch")
	assert.Empty(t, w.roles)
}

func TestNamesThatAreTakenAreNotGiven(t *testing.T) {
	w := withWorkloads(t, 3)
	require.NoError(t, w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: secretName}}))
	names := map[string]bool{}
	for _, i := range w.apply(t.Context(), "workload: deployment/w0", "workload: deployment/w1, secret: w2-pgbind", "workload: deployment/w2") {
		if i.Workload.Name() == "w2" {
			require.ErrorContains(t, i.Err, "choose another name with --secret")
			continue
		}
		require.NoError(t, i.Err)
		names[i.Binding.Name] = true
	}
	assert.Equal(t, map[string]bool{"w0-pgbind": true, "w2-pgbind": true}, names)
}

func TestDuplicatesAreRefused(t *testing.T) {
	w := withWorkloads(t, 2)
	err := w.pipeline().Run(t.Context(), w.items("workload: deployment/w0", "workload: deploy/w0"))
	require.ErrorContains(t, err, "stdin:10: spec")
	err = w.pipeline().Run(t.Context(), w.items("workload: deployment/w0, secret: s", "workload: deployment/w1, secret: s"))
	require.ErrorContains(t, err, "stdin:10: spec")
	assert.Empty(t, w.finished)
}

func TestItemsNameTheLine(t *testing.T) {
	for field, spec := range map[string]string{
		"spec.postgres": "postgres: job/x", "spec.mountPath": "mountPath: /x", "spec.passwordFrom": "passwordFrom: secret/x", "spec.caFrom": "caFrom: x",
	} {
		documents, err := (&manifest.Reader{Stdin: strings.NewReader("apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec:\n  workload: a/b\n  " + spec + "\n")}).Read(
			manifest.Stdin,
		)
		require.NoError(t, err)
		_, err = NewItems(documents, Options{})
		require.ErrorContains(t, err, "stdin:5: "+field+": ")
	}
}

func TestCompareAndUnnamed(t *testing.T) {
	w := withWorkloads(t, 2)
	items := w.items(
		"workload: deploy/w0, access: readonly, passwordFrom: 'secret/s:k', adminPasswordFrom: 'secret/s:a', sslmode: require, caFrom: 'secret/s:ca'",
		"workload: deployment/new",
	)
	live := func(workload, id string) inventory.Entry {
		return inventory.Entry{
			Namespace:  "ns",
			SecretName: "s-" + id,
			Secret:     inventory.Present,
			Workload:   inventory.Present,
			Noted:      &secret.Marks{BindingStatus: v1alpha1.BindingStatus{ID: id}},
			Marks: secret.Marks{
				BindingStatus: v1alpha1.BindingStatus{ID: id},
				BindingSpec: v1alpha1.BindingSpec{Workload: workload, DBName: "postgres", Postgres: "pod/postgresql-sfs-0", Access: "all",
					AdminPasswordFrom: "secret/s:a", SSLMode: "require", CAFrom: "secret/s:ca"},
			},
		}
	}
	found := []inventory.Entry{live("deployment.apps/w0", "a"), live("deployment.apps/old", "b"), live("deployment.apps/moved", "c")}

	differences := Compare(items, found, time.Now())
	require.Len(t, differences, 2)
	assert.Equal(t, "all", differences[0].Live.Spec.Access)
	differences[0].Live.Spec.Access = "readonly"
	assert.Equal(t, differences[0].Wanted, differences[0].Live, "nothing else differs")
	assert.Nil(t, differences[1].Live)

	unnamed := Unnamed(items, map[string]bool{"c": true}, found)
	require.Len(t, unnamed, 1)
	assert.Equal(t, "deployment.apps/old", unnamed[0].Marks.Workload)
}

func TestShardsDoNotMeet(t *testing.T) {
	const count = 3
	w := withWorkloads(t, 12)
	for index := range count {
		pipeline := w.pipeline()
		pipeline.Part = shard.Shard{Index: index, Count: count}
		require.NoError(t, pipeline.Run(t.Context(), w.items(specs(12)...)))
	}
	names := map[string]bool{}
	for _, i := range w.finished {
		require.NoError(t, i.Err)
		names[i.Binding.Name] = true
	}
	assert.Len(t, w.finished, 12)
	assert.Len(t, names, 12, "no two shards take the same name")
}
