package client

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refused answers every request with 403.
type refused struct{}

func (refused) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Status: "403 Forbidden", StatusCode: http.StatusForbidden, Body: http.NoBody}, nil
}

func TestTrace_PrintsNoQuery(t *testing.T) {
	t.Parallel()
	out := &strings.Builder{}
	const url = "https://cluster.invalid/api/v1/namespaces/shop/pods/pg-0/exec?command=secret"
	for _, err := range ask(WithTrace(t.Context(), out), t, tracedTransport{refused{}}, url) {
		require.NoError(t, err)
	}
	assert.Regexp(t, `^ +\d+\.\d{3}s GET /api/v1/namespaces/shop/pods/pg-0/exec 403 Forbidden in \d+ms\n$`, out.String())
	for _, err := range ask(t.Context(), t, tracedTransport{refused{}}, url) {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(out.String(), "\n"), "without a trace, nothing is printed")
}
