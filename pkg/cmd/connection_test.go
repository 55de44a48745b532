package cmd

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// countingServer counts its connections. It accepts them slowly, like a remote server.
func countingServer(t *testing.T) (server *httptest.Server, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
			time.Sleep(20 * time.Millisecond)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, connections
}

// ask sends requests in parallel.
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

func TestSharedTransport_SharesConnection(t *testing.T) {
	server, connections := countingServer(t)
	at := func(paths ...string) (urls []string) {
		for _, path := range paths {
			urls = append(urls, server.URL+path)
		}
		return urls
	}
	shared := sharedTransport{new(dial), server.Client().Transport}
	for _, err := range ask(t.Context(), t, shared, at("/a", "/b", "/c", "/d")...) {
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, connections.Load())
}

func TestSharedTransport_ContinuesAfterFailure(t *testing.T) {
	server, _ := countingServer(t)
	shared := sharedTransport{new(dial), server.Client().Transport}
	require.Error(t, ask(t.Context(), t, shared, "https://127.0.0.1:1/refused")[0])
	require.NoError(t, ask(t.Context(), t, shared, server.URL+"/a")[0])
}

// silent never responds.
type silent struct{ started chan struct{} }

func (s silent) RoundTrip(request *http.Request) (*http.Response, error) {
	close(s.started)
	<-request.Context().Done()
	return nil, request.Context().Err()
}

func TestSharedTransport_StopsWithContext(t *testing.T) {
	d, first := new(dial), silent{make(chan struct{})}
	held, release := context.WithCancel(t.Context())
	ended := make(chan error)
	request, err := http.NewRequestWithContext(held, http.MethodGet, "https://first.invalid/", nil)
	require.NoError(t, err)
	go func() {
		_, err := sharedTransport{d, first}.RoundTrip(request) //nolint:bodyclose // no response
		ended <- err
	}()
	<-first.started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, ask(ctx, t, sharedTransport{d, nil}, "https://second.invalid/")[0], context.DeadlineExceeded)
	server, _ := countingServer(t)
	require.NoError(t, ask(t.Context(), t, sharedTransport{d, server.Client().Transport}, server.URL+"/api/v1/namespaces/ns/pods/pg-0/exec")[0],
		"an exec does not wait for the shared connection")
	release()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestResume_ResumesTLSSession(t *testing.T) {
	resumed := make(chan bool, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resumed <- r.TLS.DidResume
		w.WriteHeader(http.StatusForbidden)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := identify(new(dial))(&rest.Config{
		Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: authority},
		Dial: new(net.Dialer).DialContext, // a transport that no other test shares
	})
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	_, err = client.CoreV1().Pods("k8s-training").Get(t.Context(), "postgresql-sfs-0", metav1.GetOptions{})
	require.Error(t, err)
	assert.False(t, <-resumed)

	exec, err := podexec.New(config, podexec.WithTransport(podexec.SPDY))
	require.NoError(t, err)
	err = exec.Exec(t.Context(), podexec.Container{Namespace: "k8s-training", Pod: "postgresql-sfs-0"}, []string{"true"}, podexec.Streams{})
	require.Error(t, err)
	assert.True(t, <-resumed)
}
