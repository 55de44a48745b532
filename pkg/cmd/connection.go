package cmd

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// dial lets one request open the connection to the API server. Those that begin meanwhile wait for it and share it: each would otherwise
// open one of its own, with a handshake that costs both sides more than the request. The zero value is ready for use.
type dial struct {
	mu     sync.Mutex
	opened chan struct{} // nil: no request has begun; closed when the connection is open, or could not be opened
}

// first says whether the caller is the one to open the connection. Whoever is calls open.
func (d *dial) first() (first bool, opened <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil {
		d.opened = make(chan struct{})
		return true, d.opened
	}
	return false, d.opened
}

// resume lets a transport resume the TLS sessions in cache, as each exec does, whose connection is its own: a handshake from nothing costs both
// sides a signature. A transport that keeps its TLS to itself is left as it is.
func resume(transport http.RoundTripper, cache tls.ClientSessionCache) {
	secured, err := utilnet.TLSClientConfig(transport)
	if err == nil && secured != nil && secured.ClientSessionCache == nil {
		secured.ClientSessionCache = cache
	}
}

// sharedTransport sends requests over the connection that the first of them opens.
type sharedTransport struct {
	*dial
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t sharedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.URL.Path, "/exec") {
		return t.next.RoundTrip(request) // which has a connection of its own
	}
	first, opened := t.first()
	if first {
		open := sync.OnceFunc(func() { close(t.opened) })
		defer open()
		trace := &httptrace.ClientTrace{WroteHeaders: open}
		return t.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	}
	select {
	case <-opened:
		return t.next.RoundTrip(request)
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}
