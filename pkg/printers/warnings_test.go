package printers_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

func TestWarnings_PrintWhatTheServerWarnsOf(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Warning", `299 - "would violate PodSecurity \"restricted\""`)
		w.Header().Add("Warning", `299 - "another"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"}}`))
	}))
	t.Cleanup(server.Close)
	var out bytes.Buffer
	kube, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, WarningHandler: printers.NewWarnings(&out)})
	require.NoError(t, err)
	for range 2 {
		_, err := kube.CoreV1().Pods("shop").Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)
	}
	assert.Equal(t, "Warning: would violate PodSecurity \"restricted\"\nWarning: another\n", out.String(), "each once")
}

func TestIfForbidden_KnowsAQuota(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	quota := apierrors.NewForbidden(
		secrets, "web", errors.New("exceeded quota: full, requested: secrets=1, used: secrets=3, limited: secrets=3"),
	)
	require.ErrorContains(t, printers.IfForbidden(quota), "kubectl describe resourcequota")
	assert.NotContains(t, printers.IfForbidden(quota).Error(), "permission")
	require.ErrorContains(t, printers.IfForbidden(apierrors.NewForbidden(secrets, "web", errors.New("no"))), "ask your administrator")
}

// TestIfForbidden_NamesTheNamespace expects commands that a user can copy.
func TestIfForbidden_NamesTheNamespace(t *testing.T) {
	forbidden := func(reason string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "web", errors.New(reason))
	}
	for want, err := range map[string]error{
		"kubectl auth can-i --list -n data": fmt.Errorf(
			"list Pods in namespace shop: %w", forbidden(`User "me" cannot get resource "secrets" in API group "" in the namespace "data"`),
		),
		"kubectl auth can-i --list -n shop": fmt.Errorf("deployment.apps/web in namespace web: read secret/web in namespace shop: %w", forbidden("no")),
		"kubectl auth can-i --list":         forbidden(`User "me" cannot list resource "secrets" in API group "" at the cluster scope`),
		"kubectl describe resourcequota -n shop": fmt.Errorf(
			"create secret/web in namespace shop: %w", forbidden("exceeded quota: full, requested: secrets=1"),
		),
		"kubectl describe resourcequota": forbidden("exceeded quota: full, requested: secrets=1"),
	} {
		assert.True(t, strings.HasSuffix(printers.IfForbidden(err).Error(), ": "+want), printers.IfForbidden(err))
	}
}
