package podexec_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// proxyTo forwards requests to a server, except those that obstruct answers itself.
func proxyTo(t *testing.T, server *server, obstruct func(http.ResponseWriter, *http.Request) (answered bool)) string {
	t.Helper()
	to, err := url.Parse(server.URL)
	require.NoError(t, err)
	reverse := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !obstruct(w, r) {
			reverse.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func isSPDY(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Upgrade"), "SPDY") }

func answer(code int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !isSPDY(r) {
			return false
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func hangUp(w http.ResponseWriter, r *http.Request) bool {
	if !isSPDY(r) {
		return false
	}
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
	return true
}

func stripUpgrade(_ http.ResponseWriter, r *http.Request) bool {
	if isSPDY(r) {
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
	}
	return false
}

func redirect(w http.ResponseWriter, r *http.Request) bool {
	if !isSPDY(r) {
		return false
	}
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}

func statusAnswer(err *apierrors.StatusError) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !isSPDY(r) {
			return false
		}
		refuse(w, err)
		return true
	}
}

func TestExec_FallsBackToWebSocket(t *testing.T) {
	tests := map[string]func(http.ResponseWriter, *http.Request) bool{
		"400 of a proxy":                   answer(http.StatusBadRequest, "bad"),
		"403 of a proxy":                   answer(http.StatusForbidden, "<h1>Forbidden</h1>"),
		"404 of a proxy":                   answer(http.StatusNotFound, `{"kind":"Page"}`),
		"502 of a proxy":                   answer(http.StatusBadGateway, ""),
		"200 of a login page":              answer(http.StatusOK, "<h1>Log in</h1>"),
		"a redirect":                       redirect,
		"upgrade headers taken off":        stripUpgrade,
		"closed without an answer":         hangUp,
		"an API server without a backend":  statusAnswer(apierrors.NewServiceUnavailable("tunnel down")),
		"an API server with a broken SPDY": statusAnswer(apierrors.NewInternalError(errors.New("dial backend"))),
	}
	for name, obstruct := range tests {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, echo)
			var stdout bytes.Buffer
			remote := newRemote(t, proxyTo(t, server, obstruct))
			err := remote.Exec(
				t.Context(), database, []string{"psql"},
				podexec.Streams{Stdin: strings.NewReader("SELECT 1;"), Stdout: &stdout},
			)
			require.NoError(t, err)
			assert.Equal(t, "SELECT 1;", stdout.String())
			seen := server.seen()
			assert.Equal(t, http.MethodGet, seen[len(seen)-1])
		})
	}
}

func TestExec_DoesNotRetryRefusalOfAPIServer(t *testing.T) {
	pods := corev1.Resource("pods")
	tests := map[string]struct {
		refusal *apierrors.StatusError
		is      func(error) bool
		final   bool
	}{
		"unauthorized": {apierrors.NewUnauthorized("who are you"), apierrors.IsUnauthorized, true},
		"forbidden": {
			apierrors.NewForbidden(pods, "db-0", errors.New(`User "u" cannot create resource "pods/exec"`)),
			apierrors.IsForbidden,
			true,
		},
		"not found":   {apierrors.NewNotFound(pods, "db-0"), apierrors.IsNotFound, true},
		"bad request": {apierrors.NewBadRequest("container postgres is not valid for pod db-0"), apierrors.IsBadRequest, false},
		"no backend":  {apierrors.NewInternalError(errors.New("error dialing backend")), apierrors.IsInternalError, false},
	}
	for name, test := range tests {
		for transportName, transport := range transports {
			t.Run(name+" over "+transportName, func(t *testing.T) {
				requests := 0
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					requests++
					refuse(w, test.refusal)
				}))
				defer server.Close()
				err := newRemote(t, server.URL, podexec.WithTransport(transport)).
					Exec(t.Context(), database, []string{"psql", "app_role"}, podexec.Streams{})
				assert.True(t, test.is(err), "%v", err)
				require.EqualError(t, err, "run psql in pod/db-0 (container postgres): "+test.refusal.Error())
				if test.final || transport != podexec.Auto {
					assert.Equal(t, 1, requests)
				} else {
					assert.Equal(t, 2, requests)
				}
			})
		}
	}
}

func TestExec_ReportsBothRefusals(t *testing.T) {
	forbidden := apierrors.NewForbidden(corev1.Resource("pods"), "db-0", errors.New("no"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isSPDY(r) {
			refuse(w, apierrors.NewBadRequest("Upgrade request required"))
			return
		}
		refuse(w, forbidden)
	}))
	defer server.Close()
	err := newRemote(t, server.URL).Exec(t.Context(), database, []string{"psql"}, podexec.Streams{})
	assert.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.ErrorContains(t, err, "(SPDY: Upgrade request required)")
}

func TestExec_ErrorsDoNotContainArguments(t *testing.T) {
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "cannot reach /exec?command=psql&command=app_role")
	}))
	defer mirror.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a port where nobody listens
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	addresses := map[string]string{
		"a proxy that repeats the URL": mirror.URL,
		"a server out of reach":        "http://" + listener.Addr().String(),
		"TLS with an unknown CA":       strings.Replace(mirror.URL, "http:", "https:", 1),
	}
	for name, address := range addresses {
		for transportName, transport := range transports {
			t.Run(name+" over "+transportName, func(t *testing.T) {
				err := newRemote(t, address, podexec.WithTransport(transport)).
					Exec(t.Context(), database, []string{"psql", "app_role"}, podexec.Streams{})
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "app_role")
				assert.NotContains(t, err.Error(), "command=")
				assert.Contains(t, err.Error(), "psql")
			})
		}
	}
}

func TestExec_LogsDoNotContainArguments(t *testing.T) {
	config := &rest.Config{Host: newServer(t, echo).URL, UserAgent: "pgbind-test"}
	var userAgent, above string
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			userAgent = r.Header.Get("User-Agent")
			above = r.URL.RawQuery
			return next.RoundTrip(r)
		})
	})
	remote, err := podexec.New(config)
	require.NoError(t, err)
	require.NoError(t, remote.Exec(t.Context(), database, []string{"psql"}, podexec.Streams{Stdin: strings.NewReader("")}))
	assert.Equal(t, "pgbind-test", userAgent)
	assert.Contains(t, above, "command=psql", "a wrapper of the caller's config lies below and sees the true request")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stall returns the address of a proxy that does not answer until release is called.
func stall(t *testing.T, server *server) (address string, release func()) {
	t.Helper()
	held := make(chan struct{})
	release = sync.OnceFunc(func() { close(held) })
	address = proxyTo(t, server, func(http.ResponseWriter, *http.Request) bool { <-held; return false })
	t.Cleanup(release) // before the proxy's own, which waits for its requests
	return address, release
}

func TestExec_StalledUpgradeEndsWithContext(t *testing.T) {
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			address, _ := stall(t, newServer(t, echo))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := newRemote(t, address, podexec.WithTransport(transport)).
				Exec(ctx, database, []string{"createuser", "app"}, podexec.Streams{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(start), 5*time.Second)
		})
	}
}

func TestExec_LateUpgradeDoesNotStartCommand(t *testing.T) {
	var started atomic.Bool
	server := newServer(t, func([]string, io.Reader, io.Writer, io.Writer) error { started.Store(true); return nil })
	address, release := stall(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := newRemote(t, address).Exec(ctx, database, []string{"createuser", "app"}, podexec.Streams{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	release()
	require.Eventually(t, func() bool { return len(server.seen()) == 1 }, 5*time.Second, time.Millisecond)
	require.Eventually(
		t,
		func() bool { return server.serving.Load() == 0 },
		5*time.Second,
		time.Millisecond,
		"the client closes the connection",
	)
	assert.False(t, started.Load())
}

func TestTraced(t *testing.T) {
	var traces []podexec.Trace
	executor := podexec.Traced(newRemote(t, newServer(t, echo).URL), func(trace podexec.Trace) { traces = append(traces, trace) })
	require.NoError(t, executor.Exec(t.Context(), database, []string{"psql", "-q"}, podexec.Streams{Stdin: strings.NewReader("")}))
	require.Error(t, executor.Exec(t.Context(), database, nil, podexec.Streams{}))
	require.Len(t, traces, 2)
	assert.Equal(t, database, traces[0].Target)
	assert.Equal(t, "psql", traces[0].Program)
	assert.Positive(t, traces[0].Duration)
	require.NoError(t, traces[0].Err)
	assert.Error(t, traces[1].Err)
}
