package binding

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/permissions"
)

// TestBind_NamesAllMissingPermissionsBeforeItWrites denies what no dry run shows, and more.
func TestBind_NamesAllMissingPermissionsBeforeItWrites(t *testing.T) {
	w := newWorld(t)
	w.denied = []string{"pods/exec", "deployments"}
	err := w.bind(t.Context())
	missing := (*permissions.MissingError)(nil)
	require.ErrorAs(t, err, &missing)
	require.NoError(t, missing.Err, "nothing was refused")
	require.ErrorContains(t, err, "2 permissions are missing")
	require.ErrorContains(
		t, err,
		"- {apiGroups: [\"\"], resources: [pods/exec], verbs: [create]}\n- {apiGroups: [apps], resources: [deployments], verbs: [patch]}",
	)
	w.assertUntouched()
	assert.Equal(t, 1, w.requests()["create selfsubjectrulesreviews"])
}

// TestBind_AddsMissingPermissionsToARefusal lets the API server refuse a dry run.
func TestBind_AddsMissingPermissionsToARefusal(t *testing.T) {
	w := newWorld(t)
	refusal := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
	w.denied, w.always["try secret"] = []string{"secrets", "pods/exec", "services"}, refusal
	err := w.bind(t.Context())
	require.ErrorIs(t, err, refusal)
	require.ErrorContains(t, err, "3 permissions are missing")
	for _, resource := range w.denied {
		require.ErrorContains(t, err, "resources: ["+resource+"]")
	}
	w.assertUntouched()

	w = newWorld(t) // a quota, for example
	w.always["try secret"] = refusal
	err = w.bind(t.Context())
	require.ErrorIs(t, err, refusal)
	assert.NotContains(t, err.Error(), "missing")
}

func TestBind_ContinuesWithoutAnswerAboutPermissions(t *testing.T) {
	w := newWorld(t)
	w.denied, w.always["review"] = []string{"pods/exec"}, errors.New("the API server has no reviews")
	require.NoError(t, w.bind(t.Context()))
	w.assertBound()
}

// TestBind_AsksForNoPermissionsIfNothingChanges counts the requests of a second bind.
func TestBind_AsksForNoPermissionsIfNothingChanges(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.bind(t.Context()))
	w.kube.ClearActions()
	require.NoError(t, w.bind(t.Context()))
	assert.Zero(t, w.requests()["create selfsubjectrulesreviews"])
}
