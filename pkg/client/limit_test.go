package client

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask sends a request to each URL, all in parallel.
func ask(ctx context.Context, t *testing.T, transport http.RoundTripper, urls ...string) (errs []error) {
	t.Helper()
	errs = make([]error, len(urls))
	var all sync.WaitGroup
	for i, url := range urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		require.NoError(t, err)
		all.Go(func() {
			response, err := transport.RoundTrip(request)
			if err == nil {
				err = response.Body.Close()
			}
			errs[i] = err
		})
	}
	all.Wait()
	return errs
}

// many returns the same URL many times.
func many(url string) (urls []string) {
	for range 200 {
		urls = append(urls, url)
	}
	return urls
}

func TestAtMost_LimitsRequestsAndConnections(t *testing.T) {
	t.Parallel()
	var current, most, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		now := current.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		time.Sleep(time.Millisecond)
		current.Add(-1)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, err := range ask(t.Context(), t, AtMost(5)(server.Client().Transport), many(server.URL)...) {
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, most.Load(), int32(5))
	assert.LessOrEqual(t, connections.Load(), int32(5))
}

// silent never responds.
type silent struct{ started chan struct{} }

func (s silent) RoundTrip(request *http.Request) (*http.Response, error) {
	close(s.started)
	<-request.Context().Done()
	return nil, request.Context().Err()
}

func TestAtMost_StopsWithContext(t *testing.T) {
	t.Parallel()
	first := silent{make(chan struct{})}
	limited := AtMost(1)(first)
	held, release := context.WithCancel(t.Context())
	ended := make(chan error)
	request, err := http.NewRequestWithContext(held, http.MethodGet, "https://first.invalid/", nil)
	require.NoError(t, err)
	go func() {
		_, err := limited.RoundTrip(request) //nolint:bodyclose // no response
		ended <- err
	}()
	<-first.started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, ask(ctx, t, limited, "https://second.invalid/")[0], context.DeadlineExceeded)
	release()
	require.ErrorIs(t, <-ended, context.Canceled)
}
