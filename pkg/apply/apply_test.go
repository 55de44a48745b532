package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/shard"
)

func specs(number int) []string {
	var all []string
	for i := range number {
		all = append(all, fmt.Sprintf("workload: deployment/w%d", i))
	}
	return all
}

func TestApplySharesWhatCanBeShared(t *testing.T) {
	w := newWorld(t, 16)
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(16)...)))
	assert.Equal(t, map[Outcome]int{Created: 16}, w.outcomes())
	assert.EqualValues(t, 16, w.proved.Load())
	assert.Equal(t, 1, w.searches)
	assert.Equal(t, 1, w.lists, "the workloads are read at once")
	assert.Zero(t, w.gets)
	assert.Equal(t, []int{16}, w.execs, "createuser and psql for all")
	assert.Equal(t, map[string]int{"get namespaces": 1, "create secrets": 17}, w.requests(), "one Secret and one patch are tried")
	assert.Equal(t, 1, w.tried)
	names := map[string]bool{}
	for _, r := range w.results {
		names[r.Binding.Name] = true
	}
	assert.Len(t, names, 16)
	assert.Contains(t, names, "postgresql-secret-2")
	assert.Contains(t, names, "postgresql-secret-17")
}

func TestWorkloadsThatMayNotBeListedAreReadOneByOne(t *testing.T) {
	w := newWorld(t, 12)
	w.fail["list"] = apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "", nil)
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(12)...)))
	assert.Equal(t, map[Outcome]int{Created: 12}, w.outcomes())
	assert.Equal(t, 12, w.gets)
}

func TestWhatTheAPIServerRefusesIsWrittenNowhere(t *testing.T) {
	w := newWorld(t, 3)
	refused := errors.New("refused")
	w.fail["try w0"], w.fail["try w1"], w.fail["try w2"] = refused, refused, refused
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(3)...)))
	for _, r := range w.results {
		require.ErrorIs(t, r.Err, refused)
	}
	assert.Equal(t, 3, w.tried)
	assert.Empty(t, w.execs)
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	w := newWorld(t, 3)
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(3)...)))
	w.results = nil
	require.NoError(t, w.applier().Apply(t.Context(), w.items(specs(3)...)))
	assert.Equal(t, map[Outcome]int{Unchanged: 3}, w.outcomes())
}

func TestApplyChangesWhatFilesChange(t *testing.T) {
	for name, changed := range map[string]string{
		"injection": "inject: env", "prefix": "envPrefix: DB_", "access": "access: readonly", "expiry": `expires: "2099-01-01T00:00:00Z"`, "keys": "keys: [uri]",
		"sslmode": "sslmode: require", "a certificate": "caFrom: secret/ca:ca.crt",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			ca := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"}, Data: map[string][]byte{"ca.crt": []byte("PEM")}}
			require.NoError(t, w.kube.Tracker().Add(ca))
			require.NoError(t, w.applier().Apply(t.Context(), w.items("workload: deployment/w0")))
			for _, want := range []Outcome{Configured, Unchanged} {
				w.results = nil
				require.NoError(t, w.applier().Apply(t.Context(), w.items("workload: deployment/w0, "+changed)))
				require.NoError(t, w.results[0].Err)
				assert.Equal(t, want, w.results[0].Outcome)
			}
			assert.Len(t, credentials.AnnotationsOf(w.workloads["deployment/w0"].Annotations()), 1)
		})
	}
}

func TestOneFailureDoesNotStopTheOthers(t *testing.T) {
	down := errors.New("down")
	w := newWorld(t, 5)
	w.fail["find gone-0"], w.fail["bind broken"] = down, down
	require.NoError(t, w.applier().Apply(t.Context(), w.items("workload: deployment/w0", "workload: deployment/vanished",
		"workload: deployment/w1, postgres: pod/gone-0", "workload: deployment/w2, dbname: broken", "workload: deployment/w3")))
	assert.Equal(t, map[Outcome]int{Created: 2, Failed: 3}, w.outcomes())
	for _, r := range w.results {
		assert.Equal(t, r.Outcome == Failed, r.Err != nil)
	}
	secrets, err := w.kube.CoreV1().Secrets("ns").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	assert.Len(t, secrets.Items, 2, "what failed leaves nothing")
}

func TestAnEndedContextFailsTheRest(t *testing.T) {
	w := newWorld(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, w.applier().Apply(ctx, w.items(specs(3)...)))
	assert.Equal(t, map[Outcome]int{Failed: 3}, w.outcomes())
	assert.Empty(t, w.execs)
}

func TestNamesThatAreTakenAreNotGiven(t *testing.T) {
	w := newWorld(t, 3)
	w.objects = append(w.objects, &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "postgresql-secret-2"},
	})
	require.NoError(t, w.applier().Apply(t.Context(), w.items("workload: deployment/w0", "workload: deployment/w1, secret: postgresql-secret-3", "workload: deployment/w2")))
	names := map[string]bool{}
	for _, r := range w.results {
		require.NoError(t, r.Err)
		names[r.Binding.Name] = true
	}
	assert.Equal(t, map[string]bool{"postgresql-secret-3": true, "postgresql-secret-4": true, "postgresql-secret-5": true}, names)
}

func TestDoublesAreRefused(t *testing.T) {
	w := newWorld(t, 2)
	err := w.applier().Apply(t.Context(), w.items("workload: deployment/w0", "workload: deploy/w0"))
	require.ErrorContains(t, err, "stdin:10: spec")
	err = w.applier().Apply(t.Context(), w.items("workload: deployment/w0, secret: s", "workload: deployment/w1, secret: s"))
	require.ErrorContains(t, err, "stdin:10: spec")
	assert.Empty(t, w.results)
}

func TestItemsNameTheLine(t *testing.T) {
	for field, spec := range map[string]string{
		"spec.postgres": "postgres: deployment/x", "spec.mountPath": "mountPath: /x", "spec.passwordFrom": "passwordFrom: secret/x", "spec.caFrom": "caFrom: x",
	} {
		documents, err := (&manifest.Reader{Stdin: strings.NewReader("apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec:\n  workload: a/b\n  " + spec + "\n")}).Read(manifest.Stdin)
		require.NoError(t, err)
		_, err = NewItem(documents[0], bind.Options{})
		require.ErrorContains(t, err, "stdin:5: "+field+": ")
	}
}

func TestCompareAndUnnamed(t *testing.T) {
	w := newWorld(t, 2)
	items := w.items("workload: deploy/w0, access: readonly, passwordFrom: 'secret/s:k', adminPasswordFrom: 'secret/s:a', sslmode: require, caFrom: 'secret/s:ca'", "workload: deployment/new")
	live := func(workload, id string) inventory.Binding {
		return inventory.Binding{Namespace: "ns", SecretName: "s-" + id, Secret: inventory.Present, Workload: inventory.Present, Noted: &credentials.Annotation{ID: id},
			Marks: credentials.Marks{ID: id, Workload: workload, Database: "postgres", Postgres: "pod/postgresql-sfs-0", Access: "all"}}
	}
	found := []inventory.Binding{live("deployment.apps/w0", "a"), live("deployment.apps/old", "b"), live("deployment.apps/moved", "c")}

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
	names, made := map[string]bool{}, 0
	for index := range count {
		w := newWorld(t, 12)
		applier := w.applier()
		applier.Part = shard.Shard{Index: index, Count: count}
		all := specs(12)
		all[0] += ", secret: postgresql-secret-6" // a name that another shard would come to
		require.NoError(t, applier.Apply(t.Context(), w.items(all...)))
		made += len(w.results)
		for _, r := range w.results {
			names[r.Binding.Name] = true
		}
	}
	assert.Equal(t, 12, made)
	assert.Len(t, names, 12, "no two shards take the same name")
}
