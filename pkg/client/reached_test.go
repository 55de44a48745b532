package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// get sends a request through the transport.
func get(t *testing.T, through http.RoundTripper, url string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: through}).Do(request)
	if err == nil {
		require.NoError(t, response.Body.Close())
	}
	return err
}

func TestUntilReached_MarksErrorsUntilTheFirstAnswer(t *testing.T) {
	server, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	defer secure.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	mark := untilReached()
	first, second := mark(http.DefaultTransport), mark(http.DefaultTransport)
	isMarked := func(err error) bool { unreached := (*UnreachedError)(nil); return errors.As(err, &unreached) }

	err := get(t, first, closed.URL)
	require.ErrorContains(t, err, "connection refused")
	assert.True(t, isMarked(err))
	assert.True(t, isMarked(get(t, first, secure.URL)), "a certificate that is not trusted")
	err = get(t, first, cut.URL)
	require.Error(t, err)
	assert.False(t, isMarked(err), "the server can have read the request")

	require.NoError(t, get(t, first, server.URL))
	err = get(t, second, strings.Replace(closed.URL, "127.0.0.1", "localhost", 1))
	require.Error(t, err)
	assert.False(t, isMarked(err), "all clients of the run share the first answer")
}
