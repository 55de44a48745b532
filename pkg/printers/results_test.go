package printers

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// itemsOf returns an item for each Deployment.
func itemsOf(t *testing.T, names ...string) []*binding.Item {
	t.Helper()
	var items []*binding.Item
	for _, name := range names {
		w, err := workload.Of(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}})
		require.NoError(t, err)
		items = append(items, &binding.Item{Workload: w})
	}
	return items
}

func TestResults_KeepTheOrderOfItems(t *testing.T) {
	t.Parallel()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	items := itemsOf(t, "a", "b", "c")
	results := NewResults(streams, " (dry run)", false, items)
	items[2].Report.Show("patch of c\n")
	items[2].Report.Done("secret/c", "created")
	items[2].Report.Warn("look at %s", "c")
	items[1].Report.Step("role of b")
	results.Finished(items[2])
	assert.Empty(t, out.String(), "others come first")
	assert.Equal(t, "Warning: deployment.apps/c: look at c\ndeployment.apps/b: role of b\n", errOut.String(), "at once, with the workload")
	items[0].Report.Done("secret/a", "created")
	assert.Equal(t, "secret/a created (dry run)\n", out.String(), "the first item does not wait for its end")
	items[1].Err = errors.New("no")
	results.Finished(items[1])
	assert.Equal(t, "secret/a created (dry run)\n", out.String())
	items[0].Report.Done("deployment.apps/a", "bound")
	results.Finished(items[0])
	assert.Equal(t, "secret/a created (dry run)\ndeployment.apps/a bound (dry run)\npatch of c\nsecret/c created (dry run)\n", out.String())

	items[0].Err = errors.New("deployment.apps/a is bound, but slow")
	errs := results.Errors()
	require.Len(t, errs, 2)
	require.EqualError(t, errs[0], "deployment.apps/a is bound, but slow", "it names the workload")
	require.EqualError(t, errs[1], "deployment.apps/b: no")
	require.ErrorIs(t, errs[1], items[1].Err)
}

func TestResults_OfOneItemAreNotPrefixed(t *testing.T) {
	t.Parallel()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	items := itemsOf(t, "a")
	results := NewResults(streams, "", false, items)
	items[0].Report.Step("role created")
	items[0].Report.Done("secret/a", "created")
	assert.Equal(t, "role created\n", errOut.String())
	assert.Equal(t, "secret/a created\n", out.String())
	items[0].Err = errors.New("no")
	require.EqualError(t, errors.Join(results.Errors()...), "no")
}

func TestResults_AsObjects(t *testing.T) {
	t.Parallel()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	items := itemsOf(t, "a", "b", "c")
	results := NewResults(streams, "", true, items)
	items[1].Report.Show("patch")
	for i := len(items) - 1; i >= 0; i-- {
		items[i].Report.Done("secret/s", "created")
		if i != 1 {
			items[i].Binding = &v1alpha1.Binding{ObjectMeta: metav1.ObjectMeta{Name: items[i].Workload.Name()}}
		}
		results.Finished(items[i])
	}
	assert.Empty(t, out.String())
	assert.Equal(t, "patch\n", errOut.String())
	var names []string
	for _, b := range results.Bindings() {
		names = append(names, b.Name)
	}
	assert.Equal(t, "a c", strings.Join(names, " "))
}
